import { setTimeout as sleep } from 'node:timers/promises';
import { median as middle } from '../../src/foundation/statistics.js';
import { BUDGET, type Engine, timeDecision } from './engine.js';

/** A first decision beside the median of those like it. */
export interface First {
  readonly after: string;
  readonly firstMs: number;
  readonly medianMs: number;
}

const LIKE_IT = 40;
const BATCH = 4;
const TICK_MS = 20;

/** First decisions after everything that announces them, of a policy that was just loaded and has not decided yet. */
export async function measureFirst(engine: Engine): Promise<First[]> {
  const { policy } = engine;
  const next = async (): Promise<number> => {
    await sleep(TICK_MS);
    return timeDecision(engine, 0);
  };
  // JavaScript's engine compiles a function when it is first called: that of the measurement is no part of a decision.
  const nothing = { decide: () => Promise.reject(new Error('not a policy')) };
  await timeDecision({ policy: nothing, windows: engine.windows }, 0).catch(() => {});
  const [loadedCold, loadedWarm] = [await next(), await next()];
  const [warm, cold] = await median(engine, next);
  policy.reset();
  const [resetCold, resetWarm] = [await next(), await next()];
  policy.useStrategy({ name: 'STEP', budget: 2 * BUDGET });
  await policy.warmup();
  const [changedCold, changedWarm] = [await next(), await next()];
  const [changed, changedColdMedian] = await median(engine, next);
  const batched = await firstOfBatch(engine);
  policy.useStrategy({ name: 'STEP', budget: BUDGET });
  await policy.warmup();
  return [
    { after: 'loadPolicy, from noise', firstMs: loadedCold, medianMs: cold },
    { after: 'loadPolicy, the second one', firstMs: loadedWarm, medianMs: warm },
    { after: 'reset, from noise', firstMs: resetCold, medianMs: cold },
    { after: 'reset, the second one', firstMs: resetWarm, medianMs: warm },
    { after: 'useStrategy and warmup, from noise', firstMs: changedCold, medianMs: changedColdMedian },
    { after: 'useStrategy and warmup, the second one', firstMs: changedWarm, medianMs: changed },
    { after: `warmup(${BATCH}), ${BATCH} from noise`, ...batched },
  ];
}

/** Medians of decisions of the running episode, and of first ones. */
async function median({ policy }: Engine, next: () => Promise<number>): Promise<[number, number]> {
  const warm: number[] = [];
  for (let i = 0; i < LIKE_IT; i++) warm.push(await next());
  const cold: number[] = [];
  for (let i = 0; i < LIKE_IT; i++) {
    policy.reset();
    cold.push(await next());
  }
  // So that the episode is under way.
  await next();
  return [middle(warm), middle(cold)];
}

async function firstOfBatch({ policy, windows }: Engine): Promise<Omit<First, 'after'>> {
  const requests = windows.slice(0, BATCH).map((window) => ({ window, previous: [] }));
  await policy.warmup(BATCH);
  const times: number[] = [];
  for (let i = 0; i <= LIKE_IT; i++) {
    await sleep(TICK_MS);
    const begun = performance.now();
    await policy.decideAll(requests);
    times.push(performance.now() - begun);
  }
  return { firstMs: times[0] as number, medianMs: middle(times.slice(1)) };
}
