import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { summarize } from '../../src/foundation/statistics.js';
import { type Engine, timeDecision } from './engine.js';
import { turn } from './latency.js';

/** What decisions leave for the garbage collector. */
export interface Garbage {
  readonly decisions: number;
  /** On JavaScript's heap, with the two promises of the measurement itself. */
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
  observer.observe({ entryTypes: ['gc'] });
  const growth: number[] = [];
  for (let done = 0; done < decisions; done += STRIDE) {
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < STRIDE; index++) {
      await timeDecision(engine, index);
      await turn();
    }
    growth.push((process.memoryUsage().heapUsed - before) / STRIDE);
  }
  // Entries are handed out in a later turn.
  await sleep(10);
  observer.disconnect();
  const count = (kind: number): number => collections.filter((one) => one.kind === kind).length;
  return {
    decisions,
    bytesPerDecision: Math.round(
      summarize(
        growth.filter((bytes) => bytes > 0),
        ['p50'],
      )?.p50 ?? 0,
    ),
    minorCollections: count(constants.NODE_PERFORMANCE_GC_MINOR),
    majorCollections: count(constants.NODE_PERFORMANCE_GC_MAJOR),
    longestCollectionMs: Math.max(0, ...collections.map(({ ms }) => ms)),
  };
}
