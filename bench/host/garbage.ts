import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { summarize } from '../../src/foundation/statistics.js';
import { type Engine, timeDecision } from './engine.js';
import { turn } from './subjects.js';

/** What decisions leave for the garbage collector. */
export interface Garbage {
  readonly decisions: number;
  /** On JavaScript's heap, without what the measurement leaves that calls and waits. */
  readonly bytesPerDecision: number;
  readonly minorCollections: number;
  readonly majorCollections: number;
  readonly longestCollectionMs: number;
}

/** Decisions between two looks at the heap: few enough that most of these find no collection between them. */
const STRIDE = 20;

export async function measureGarbage(engine: Engine, decisions: number): Promise<Garbage> {
  const collections: { readonly kind: number; readonly ms: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // The types of Node 20 do not know what entries of 'gc' bring.
      const { detail, duration } = entry as unknown as { readonly detail: { readonly kind: number }; readonly duration: number };
      collections.push({ kind: detail.kind, ms: duration });
    }
  });
  collect();
  // Its own entry is handed out in a later turn, to whoever observes by then.
  await sleep(10);
  observer.observe({ entryTypes: ['gc'] });
  const bytes = await growth(decisions, (index) => timeDecision(engine, index));
  // Entries are handed out in a later turn.
  await sleep(10);
  observer.disconnect();
  // What whoever calls leaves: its own promises, and its clock.
  const made = Promise.resolve() as unknown as ReturnType<Engine['policy']['decide']>;
  const caller = { policy: { decide: () => made }, windows: engine.windows };
  const own = await growth(Math.min(decisions, 2000), (index) => timeDecision(caller, index));
  const count = (kind: number): number => collections.filter((one) => one.kind === kind).length;
  return {
    decisions,
    bytesPerDecision: Math.round(Math.max(0, bytes - own)),
    minorCollections: count(constants.NODE_PERFORMANCE_GC_MINOR),
    majorCollections: count(constants.NODE_PERFORMANCE_GC_MAJOR),
    longestCollectionMs: Math.max(0, ...collections.map(({ ms }) => ms)),
  };
}

/** Collects what came before, so that every collection that is counted is of these decisions. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Median growth of the heap in one run, with a turn of the event loop after each; without those that were collected. */
async function growth(runs: number, run: (index: number) => Promise<unknown>): Promise<number> {
  const found: number[] = [];
  for (let done = 0; done < runs; done += STRIDE) {
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < STRIDE; index++) {
      await run(index);
      await turn();
    }
    found.push((process.memoryUsage().heapUsed - before) / STRIDE);
  }
  return (
    summarize(
      found.filter((bytes) => bytes > 0),
      ['p50'],
    )?.p50 ?? 0
  );
}
