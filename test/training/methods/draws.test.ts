import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { denoisingLevels, drawnJumps, studentWeights } from '../../../src/training/loop/methods/consistency.js';
import { MethodDraws } from '../../../src/training/loop/methods/define.js';
import { chunkLevels } from '../../../src/training/loop/methods/streaming.js';
import { GOLDENS } from '../../support/golden-cases.js';

async function recorded(name: string, tensor: string): Promise<number[]> {
  const bytes = readFileSync(join(GOLDENS, 'methods', name, 'losses.safetensors'));
  const file = await SafetensorsFile.open(await memorySource(name, { x: bytes }).open('x'));
  return file.readIntegers(tensor);
}

describe('levels of streaming diffusion', () => {
  it('by chunks are those of the release, less one number for all rows of a sample', async () => {
    for (const [name, rows] of [
      ['sdp', { horizon: 16, observationSteps: 2, actionSteps: 4, levels: 100 }],
      ['sdp-denoise', { horizon: 20, observationSteps: 2, actionSteps: 8, levels: 100 }],
    ] as const) {
      const levels = await recorded(name, 'chunk_wise.levels');
      const target = chunkLevels(rows);
      const differences = levels.map((level, i) => (target[i % rows.horizon] as number) - level);
      for (let sample = 0; sample < levels.length / rows.horizon; sample++) {
        const own = new Set(differences.slice(sample * rows.horizon, (sample + 1) * rows.horizon));
        expect(own.size, `${name} ${sample}`).toBe(1);
        expect(Math.min(...own)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('begin where the specification says', () => {
    const of = (horizon: number, actionSteps: number): number[] => chunkLevels({ horizon, observationSteps: 2, actionSteps, levels: 100 });
    expect(of(20, 8)).toEqual([...new Array(9).fill(49), ...new Array(11).fill(99)]);
    expect(of(16, 5)).toEqual([...new Array(6).fill(32), ...new Array(5).fill(65), ...new Array(5).fill(99)]);
    expect(of(16, 8)).toEqual(new Array(16).fill(99));
  });
});

describe('draws of a consistency policy', () => {
  const COUNT = 20_000;
  const draws = new MethodDraws(3, 7, false);
  const { from, stop, next } = drawnJumps(draws, COUNT);

  it('jump from t to s ≥ t, with one step of the teacher or none between, u = t with probability 1 / (s − t + 1)', () => {
    let [expected, found, wrong] = [0, 0, 0];
    from.forEach((t, i) => {
      const [s, u] = [stop[i] as number, next[i] as number];
      if (!(t >= 0 && t <= 79 && s >= t && s <= 80 && u >= t && u <= Math.min(s, t + 1))) wrong++;
      expected += 1 / (s - t + 1);
      found += u === t ? 1 : 0;
    });
    expect(wrong).toBe(0);
    expect(found / expected).toBeCloseTo(1, 1);
    expect(new Set(from).size).toBe(80);
    expect(Math.max(...stop)).toBe(80);
    expect(from.reduce((sum, t) => sum + t, 0) / COUNT).toBeCloseTo(39.5, 0);
  });

  it('take the first half of their denoising levels from the upper part of the schedule, the other log-normal and not clamped', () => {
    const levels = denoisingLevels(draws, COUNT + 1);
    const upper = levels.subarray(0, COUNT / 2 + 1);
    expect(Math.min(...upper)).toBeGreaterThan(0.7587);
    expect(Math.max(...upper)).toBeLessThanOrEqual(80);
    expect(Math.min(...upper)).toBeLessThan(0.78);
    const logs = Array.from(levels.subarray(COUNT / 2 + 1), Math.log);
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length);
    expect(mean).toBeCloseTo(-1.2, 1);
    expect(deviation).toBeCloseTo(1.2, 1);
    expect(Math.min(...levels)).toBeLessThan(0.02);
  });

  it('are other ones for validation, and the same whenever they are asked for', () => {
    const jumps = (isValidation: boolean): string => JSON.stringify(drawnJumps(new MethodDraws(3, 7, isValidation), 20));
    expect(jumps(false)).toBe(jumps(false));
    expect(jumps(false)).not.toBe(jumps(true));
  });
});

describe('dropout of a method', () => {
  it('is keyed by seed and batch, and there is none in validation, or of probability 0', () => {
    expect(new MethodDraws(3, 7, false).dropout(0.2)).toEqual({ probability: 0.2, seed: 3, step: 7 });
    expect(new MethodDraws(3, 7, true).dropout(0.2)).toBeNull();
    expect(new MethodDraws(3, 7, false).dropout(0)).toBeNull();
  });
});

describe("a student's first weights", () => {
  it("are its teacher's, with columns of zeros for where it stops", () => {
    const shape = { stepEmbedDim: 4, conditioningDim: 3 } as Parameters<typeof studentWeights>[1];
    const film = Float32Array.from({ length: 2 * 7 }, (_, i) => i + 1);
    const other = Float32Array.of(1, 2);
    const found = studentWeights(
      new Map([
        ['a.cond_encoder.1.weight', film],
        ['a.cond_encoder.1.bias', other],
      ]),
      shape,
    );
    expect(found.get('a.cond_encoder.1.bias')).toBe(other);
    expect([...(found.get('a.cond_encoder.1.weight') as Float32Array)]).toEqual(
      [0, 1].flatMap((row) => [1, 2, 3, 4, -7 * row, -7 * row, -7 * row, -7 * row, 5, 6, 7].map((value) => value + 7 * row)),
    );
  });
});
