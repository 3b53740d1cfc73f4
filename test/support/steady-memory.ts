import { expect } from 'vitest';
import type { Episode } from '../../src/policy/episode.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { noise, window } from './golden-policy.js';
import { randomPolicy, SMALL_UNET } from './random-checkpoint.js';
import { type Resources, settledResources } from './resources.js';

const LIMIT_BYTES = 5e6;
/**
 * The decisions fall into so many parts, and the least growth of a part, that many times, is held against the limit: what leaks
 * grows in every part, while the allocator and the compiler of JavaScript take some MB now and then and keep them.
 */
const PARTS = 5;
/** Decisions of a round: one alone, and six in one batch, as for a fleet. */
const ALONE_AND_TOGETHER = 7;

/**
 * Fails where memory grows steadily, by 5 MB or more over these decisions, after those to warm up: what JavaScript holds,
 * inside and outside of the heap, or that of the whole process, drivers included. Threads and file descriptors must not grow
 * at all. Returns what was gained, in bytes, and how many milliseconds a decision took.
 */
export async function expectSteadyMemory(
  device: ComputeDevice,
  of: 'script' | 'process',
  warmUp: number,
  decisions: number,
): Promise<{ heap: number; rss: number; decisionMs: number }> {
  // A small network: what could leak is per decision and per dispatch, not per weight.
  const policy = await loadPolicy(randomPolicy(SMALL_UNET, 3).source, {
    device,
    networks: { predictor: 'shift' },
    strategy: { name: 'STEP', budget: 1, stall: {}, coldStart: { steps: 1 } },
  });
  const windows = Array.from({ length: ALONE_AND_TOGETHER }, (_, salt) => window(policy, salt));
  const given = noise(policy);
  let fleet: Episode[] = [];
  const run = async (count: number): Promise<void> => {
    for (let round = 0; round * ALONE_AND_TOGETHER < count; round++) {
      // Now and then episodes end, as in use; every other decision draws its own noise.
      if (round % 50 === 0) {
        policy.reset();
        fleet = [1, 2, 3].map((seed) => policy.beginEpisode({ seed }));
      }
      await policy.decide(windows[0]!, round % 2 === 0 ? {} : { noise: given });
      await policy.decideAll([
        ...fleet.map((episode, i) => ({ episode, window: windows[i + 1]! })),
        ...[4, 5, 6].map((i) => ({ previous: [], window: windows[i]!, seed: round })),
      ]);
    }
  };
  await run(warmUp);
  const held = [await settledResources()];
  let decidingMs = 0;
  for (let part = 0; part < PARTS; part++) {
    const started = performance.now();
    await run(decisions / PARTS);
    decidingMs += performance.now() - started;
    held.push(await settledResources());
  }
  const gained = { heap: steadyGrowth(held, 'heap'), rss: steadyGrowth(held, 'rss') };
  expect(gained.heap).toBeLessThan(LIMIT_BYTES);
  if (of === 'process') expect(gained.rss).toBeLessThan(LIMIT_BYTES);
  const [before, after] = [held[0]!, held[PARTS]!];
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  await policy.dispose();
  return { ...gained, decisionMs: decidingMs / decisions };
}

/** Bytes that all parts would have gained, had each gained as little as one of them did. */
function steadyGrowth(held: readonly Resources[], of: 'heap' | 'rss'): number {
  return PARTS * Math.min(...held.slice(1).map((after, part) => after[of] - held[part]![of]));
}
