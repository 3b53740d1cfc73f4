import { describe, expect, it } from 'vitest';
import { type Case, collectCases } from '../../bench/kernels/cases.js';
import { recordSyntheticEncoder } from '../../bench/kernels/encoder.js';
import type { Precision } from '../../src/spec/precision.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();

const recordings = new Map<string, Promise<Case[]>>();

/** Recorded once: packing eleven million weights takes a second. */
function casesOf(height: number, width: number, precision: Precision = 'f32', batch = 1): Promise<Case[]> {
  const key = [height, width, precision, batch].join();
  const found = recordings.get(key) ?? record(height, width, precision, batch);
  recordings.set(key, found);
  return found;
}

async function record(height: number, width: number, precision: Precision, batch: number): Promise<Case[]> {
  const picture = { height, width, norm: 'batch' } as const;
  const recorded = await recordSyntheticEncoder(device(), { size: 'tiny', precision, batch, horizon: 16, steps: 1, picture });
  recorded.destroy();
  return collectCases(recorded);
}

const total = (cases: readonly Case[], value: (found: Case) => number): number =>
  cases.reduce((sum, found) => sum + value(found) * found.perDecision, 0);

describe('work of an image encoder', () => {
  it('counts the multiply-adds of a picture', async () => {
    expect(total(await casesOf(84, 84), ({ macs }) => macs) / 1e9).toBeCloseTo(0.3, 2);
    expect(total(await casesOf(240, 320), ({ macs }) => macs) / 1e9).toBeCloseTo(2.82, 2);
  });

  it('reads 11.2 million weights once, and multiplies with the batch', async () => {
    const [one, two] = [await casesOf(84, 84, 'f16'), await casesOf(84, 84, 'f16', 2)];
    // The first convolution reads a fourth channel of zeros, and biases are weights too. Where products are transformed, in the first stages,
    // which are a small part of all, 16 or 36 values of f32 are read for 9 of f16: on lavapipe up to 128 channels.
    const ratio = total(one, ({ weightBytes }) => weightBytes) / 2 / 11.19e6;
    expect(ratio).toBeGreaterThan(0.995);
    expect(ratio).toBeLessThan(1.4);
    expect(total(two, ({ macs }) => macs)).toBe(2 * total(one, ({ macs }) => macs));
  });

  it('needs twice the bytes in f32 where weights are read as they are; transformed ones are f32 in both', async () => {
    const weights = async (precision: Precision): Promise<number> => total(await casesOf(84, 84, precision), (found) => found.weightBytes);
    const ratio = (await weights('f32')) / (await weights('f16'));
    expect(ratio).toBeGreaterThan(1.85);
    expect(ratio).toBeLessThan((2 * 16) / 9);
  });
});
