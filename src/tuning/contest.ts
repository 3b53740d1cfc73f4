import { nearestRank } from '../foundation/statistics.js';
import type { ComputeDevice } from '../runtime/device.js';
import { Uploader } from '../runtime/uploader.js';
import { Entrant, uploadTurns } from './entrant.js';
import type { RecordedConvolution } from './record-network.js';

/** What was found of one variant of a convolution. */
export interface Standing {
  /** Median of one dispatch; undefined where the variant was dropped. */
  readonly ms: number | undefined;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  /** Why it takes no part: it does not compile, or is wrong. */
  readonly dropped?: string;
}

/** Largest difference to the shipped variant, as a share of the largest value: sums in another order, nothing more. */
const TOLERANCE = 1e-5;
/** Length of a sample: shorter ones are mostly fence. */
const SAMPLE_MS = { gpu: 2, lavapipe: 10, software: 10 } as const;
const MOST_REPETITIONS = 64;
/** Rounds of two samples each. */
const LEAST_ROUNDS = 2;
const MOST_ROUNDS = 20;
/** Who is so much slower than the best after a round takes no part in the next ones. */
const HOPELESS = 1.25;

/**
 * Measures variants of one convolution against each other, the first of which is the one to beat: A B C C B A …, so that
 * a clock that drifts favours nobody. Variants whose results differ from those of the first are not measured.
 */
export async function holdContest(device: ComputeDevice, variants: readonly RecordedConvolution[], seconds: number): Promise<Standing[]> {
  const [shipped] = variants;
  if (!shipped) return [];
  const uploader = new Uploader(device);
  const entrants: Entrant[] = [];
  try {
    const weights = await uploadTurns(uploader, shipped);
    const compiled = await Promise.allSettled(variants.map((variant) => Entrant.compile(device, variant, weights)));
    for (const result of compiled) if (result.status === 'fulfilled') entrants.push(result.value);
    const [first] = compiled;
    if (first?.status === 'rejected') throw first.reason;
    const reference = await (first as PromiseFulfilledResult<Entrant>).value.compute();
    const dropped: (string | undefined)[] = [];
    for (const result of compiled) {
      dropped.push(
        result.status === 'rejected' ? `does not compile: ${String(result.reason)}` : disagreement(reference, await result.value.compute()),
      );
    }
    device.assertUsable();
    const racing = compiled.flatMap((result, index) =>
      result.status === 'fulfilled' && dropped[index] === undefined ? [{ index, entrant: result.value }] : [],
    );
    const samples = await race(racing, SAMPLE_MS[device.deviceClass], seconds);
    return variants.map((_, index): Standing => {
      const reason = dropped[index];
      const times = samples.get(index) ?? [];
      const ms = times.length === 0 ? undefined : quantile(times, 0.5);
      const spread = ms === undefined ? 0 : (quantile(times, 0.75) - quantile(times, 0.25)) / 2 / ms;
      return { ms, spread, ...(reason === undefined ? {} : { dropped: reason }) };
    });
  } finally {
    for (const entrant of entrants) entrant.destroy();
    uploader.destroy();
  }
}

/** Samples of each entrant, in milliseconds per dispatch. The first one is never dropped. */
async function race(
  racing: readonly { readonly index: number; readonly entrant: Entrant }[],
  sampleMs: number,
  seconds: number,
): Promise<Map<number, number[]>> {
  const samples = new Map(racing.map(({ index }): [number, number[]] => [index, []]));
  const started = performance.now();
  let repetitions = 1;
  // Twice, because drivers compile late.
  for (const _ of [1, 2]) {
    const times: number[] = [];
    for (const { entrant } of racing) times.push((await entrant.run(repetitions)) / repetitions);
    repetitions = Math.max(1, Math.min(MOST_REPETITIONS, Math.round(sampleMs / (times[0] ?? sampleMs))));
  }
  let left = racing;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - started > seconds * 1000) break;
    for (const { index, entrant } of [...left, ...left.toReversed()])
      samples.get(index)?.push((await entrant.run(repetitions)) / repetitions);
    const median = (index: number): number => quantile(samples.get(index) ?? [], 0.5);
    const best = Math.min(...left.map(({ index }) => median(index)));
    left = left.filter(({ index }) => index === 0 || median(index) <= HOPELESS * best);
  }
  return samples;
}

/** What is wrong with values that should be equal but for the order of their sums; undefined where nothing is. */
export function disagreement(expected: readonly Float32Array[], found: readonly Float32Array[]): string | undefined {
  for (const [buffer, values] of expected.entries()) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(largest > 0 && largest < Infinity)) return 'the shipped variant computed nothing that could be compared';
    const wrong = values.findIndex((value, i) => !(Math.abs((found[buffer]?.[i] ?? Number.NaN) - value) <= TOLERANCE * largest));
    if (wrong >= 0) return `computes ${found[buffer]?.[wrong]} where the shipped variant has ${values[wrong]}`;
  }
  return undefined;
}

/** By nearest rank: every one of them was measured. */
function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return nearestRank(sorted, fraction) ?? Infinity;
}
