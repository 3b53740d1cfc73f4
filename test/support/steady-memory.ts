import { expect } from 'vitest';
import type { Episode } from '../../src/policy/episode.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { noise, window } from './golden-policy.js';
import { randomPolicy, SMALL_UNET } from './random-checkpoint.js';
import { type Resources, settledResources } from './resources.js';

/** Of what is gained steadily. */
const LIMIT_BYTES = 5e6;
/** From first to last: what comes in one part alone, or in some, is not without end, and yet too much. */
const WIDE_LIMIT_BYTES = { heap: 10e6, rss: 40e6 };
/**
 * The decisions fall into so many parts. What JavaScript holds is steady once all of it was collected: the median growth of a part, that many times, is held
 * against the limit. Of the process it is the least growth: its allocators and the compiler of JavaScript take some MB now and then, and give back others.
 */
const PARTS = 5;
/** Decisions of a round: one alone, and six in one batch, as for a fleet. */
const ALONE_AND_TOGETHER = 7;

/**
 * Fails where memory grows steadily, by 5 MB or more over these decisions, after those to warm up, or by 10 MB and 40 MB in all: what JavaScript holds,
 * inside and outside of the heap, and that of the whole process, drivers included. Threads and file descriptors must not grow
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
  expectSteady(held, of);
  const gained = { heap: steadyGrowth(held, 'heap'), rss: steadyGrowth(held, 'rss') };
  const [before, after] = [held[0]!, held[PARTS]!];
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  await policy.dispose();
  return { ...gained, decisionMs: decidingMs / decisions };
}

/** What was held before the first part and after each one. */
export function expectSteady(held: readonly Pick<Resources, 'heap' | 'rss'>[], of: 'script' | 'process'): void {
  for (const what of of === 'process' ? (['heap', 'rss'] as const) : (['heap'] as const)) {
    expect(steadyGrowth(held, what), `${what}, steadily`).toBeLessThan(LIMIT_BYTES);
    expect(held.at(-1)![what] - held[0]![what], `${what}, from first to last`).toBeLessThan(WIDE_LIMIT_BYTES[what]);
  }
}

/** Bytes that all parts would have gained, had each gained as much as the median of them, or of the process the least. */
function steadyGrowth(held: readonly Pick<Resources, 'heap' | 'rss'>[], of: 'heap' | 'rss'): number {
  const grown = held
    .slice(1)
    .map((after, part) => after[of] - held[part]![of])
    .sort((a, b) => a - b);
  return grown.length * grown[of === 'heap' ? grown.length >> 1 : 0]!;
}
