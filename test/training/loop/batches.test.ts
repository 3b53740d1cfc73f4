import { describe, expect, it } from 'vitest';
import type { PictureData } from '../../../src/datasets/dataset.js';
import { anchors } from '../../../src/datasets/windows.js';
import { DatasetError } from '../../../src/foundation/errors.js';
import type { Normalizer } from '../../../src/spec/policy-spec.js';
import { integers, normals, permutation, uniforms } from '../../../src/training/loop/draws.js';
import { actionNormalizer, checkNormalized, checkRaw } from '../../../src/training/loop/normalize.js';
import { readPictures } from '../../../src/training/loop/pictures.js';
import { damageHistory, type PairsSpec, predictorBatches, readPairs } from '../../../src/training/loop/predictor-batches.js';
import { splitEpisodes, spread } from '../../../src/training/loop/split.js';
import { unetBatches, type WindowsSpec } from '../../../src/training/loop/unet-batches.js';
import { memoryDataset } from '../../support/memory-dataset.js';

const identity = (size: number): Normalizer => ({
  mode: 'identity',
  subtract: new Float32Array(size),
  divide: new Float32Array(size).fill(1),
  multiply: new Float32Array(size).fill(1),
  add: new Float32Array(size),
});

/** Two episodes of 20 and 12 frames; every value names its row: state 1000 + row, action row + 1 and its negative. */
const DATASET = memoryDataset(
  [20, 12],
  [
    { name: 'observation.state', size: 1, value: (row) => 1000 + row },
    { name: 'observation.environment_state', size: 2, value: (row, channel) => 2000 + row + channel / 4 },
    { name: 'action', size: 2, value: (row, channel) => (channel === 0 ? row + 1 : -(row + 1)) },
  ],
);
const FRAME = [
  { name: 'observation.state', size: 1, normalizer: identity(1) },
  { name: 'observation.environment_state', size: 2, normalizer: identity(2) },
];
const ACTION = { name: 'action', size: 2, normalizer: identity(2) };
const PAIRS: PairsSpec = { dataset: DATASET, frame: FRAME, action: ACTION, horizon: 16, observationSteps: 2, actionSteps: 8 };

/** First value of every row of a chunk: its row in the data set + 1, or 0. */
const firsts = (values: Float32Array, sample = 0): number[] =>
  Array.from({ length: 16 }, (_, row) => values[(sample * 16 + row) * 2] as number);

describe('pairs of chunks', () => {
  it('are the chunk of the decision before and the next one, and observations up to the anchor', async () => {
    const { previous, observation, target } = await readPairs(PAIRS, Int32Array.of(12), 2);
    // t = 12: the target is rows 11 … 26 with the end repeated, the history rows 3 … 18.
    expect(firsts(target)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 20, 20, 20, 20, 20, 20, 20]);
    expect(firsts(previous)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(target[1]).toBe(-12);
    expect([...observation.subarray(0, 6)]).toEqual([1011, 2011, 2011.25, 1012, 2012, 2012.25]);
    // What the batch has no rows for is empty.
    expect(firsts(target, 1).every((value) => value === 0)).toBe(true);
    expect([...observation.subarray(6)].every((value) => value === 0)).toBe(true);
  });

  it('cover the same moment in row 8 + j of the history and row j of the target', async () => {
    const chosen = anchors(DATASET, { dropLastFrames: 7 });
    const { previous, target } = await readPairs(PAIRS, chosen, chosen.length);
    chosen.forEach((anchor, i) => {
      for (let j = 0; j < 8; j++) {
        const [history, next] = [firsts(previous, i)[8 + j], firsts(target, i)[j]];
        // Both are the end of the episode where they lie behind it, and only the target begins before it.
        if (anchor - 1 + j >= (anchor < 20 ? 0 : 20)) expect(history).toBe(next);
      }
    });
  });

  it('have zeros before the episode, never rows of its neighbour', async () => {
    const { previous, observation, target } = await readPairs(PAIRS, Int32Array.of(22), 1);
    expect(firsts(previous)).toEqual([0, 0, 0, 0, 0, 0, 0, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(firsts(target)).toEqual([22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 32, 32, 32, 32]);
    const { previous: cold, target: begin } = await readPairs(PAIRS, Int32Array.of(20), 1);
    expect(firsts(cold)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 21, 22, 23, 24, 25, 26, 27]);
    expect(firsts(begin).slice(0, 3)).toEqual([21, 21, 22]);
    expect(observation[0]).toBe(1021);
  });

  it('are damaged by draws of seed and step: rows that go, and noise on the others', () => {
    const clean = new Float32Array(4000).fill(1);
    const damage = { rowDropout: 0.25, noise: 0.1 };
    const damaged = clean.slice();
    damageHistory(damaged, 2, damage, 5, 9);
    const rows = Array.from({ length: 2000 }, (_, row) => [damaged[2 * row] as number, damaged[2 * row + 1] as number]);
    const gone = rows.filter(([a, b]) => a === 0 && b === 0);
    expect(gone.length / 2000).toBeCloseTo(0.25, 1);
    const left = rows.filter(([a, b]) => a !== 0 && b !== 0).flat();
    expect(left.length).toBe(2 * (2000 - gone.length));
    expect(Math.sqrt(left.reduce((sum, x) => sum + (x - 1) ** 2, 0) / left.length)).toBeCloseTo(0.1, 2);
    const again = clean.slice();
    damageHistory(again, 2, damage, 5, 9);
    expect(again).toEqual(damaged);
    const [otherStep, none] = [clean.slice(), clean.slice()];
    damageHistory(otherStep, 2, damage, 5, 10);
    damageHistory(none, 2, { rowDropout: 0, noise: 0 }, 5, 9);
    expect(otherStep).not.toEqual(damaged);
    expect(none).toEqual(clean);
  });
});

describe('batches of a predictor', () => {
  const chosen = anchors(DATASET, { dropLastFrames: 7 });
  const options = { anchors: chosen, batchSize: 8, seed: 3, dropout: 0.1, rowDropout: 0, noise: 0 };
  const source = predictorBatches(PAIRS, options);

  it('visit every anchor once in an epoch, in another order in the next', async () => {
    const epoch = async (at: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let first = 0; first < source.rows; first += 8) {
        const count = Math.min(8, source.rows - first);
        const batch = await source.batch({ batch: 0, epoch: at, first, count });
        expect(batch.count).toBe(count);
        // The last frame's state names the anchor.
        for (let i = 0; i < count; i++) seen.push((batch.observation[(i * 2 + 1) * 3] as number) - 1000);
      }
      return seen;
    };
    const [first, second] = [await epoch(0), await epoch(1)];
    expect([...first].sort((a, b) => a - b)).toEqual([...chosen]);
    expect([...second].sort((a, b) => a - b)).toEqual([...chosen]);
    expect(second).not.toEqual(first);
  });

  it('name the draws of dropout by seed and batch, and say where there is none', async () => {
    const request = { batch: 41, epoch: 0, first: 0, count: 8 };
    expect((await source.batch(request)).dropout).toEqual({ probability: 0.1, seed: 3, step: 41 });
    expect((await predictorBatches(PAIRS, { ...options, dropout: 0 }).batch(request)).dropout).toBeNull();
  });
});

describe('batches of a policy', () => {
  const spec: WindowsSpec = {
    dataset: DATASET,
    frame: FRAME,
    action: ACTION,
    horizon: 16,
    observationSteps: 2,
    timesteps: 100,
    maskPadding: true,
  };
  const source = unetBatches(spec, { anchors: Int32Array.of(0, 12), batchSize: 4, seed: 1 });

  it('are windows with conditioning, noise and noise levels', async () => {
    const batch = await source.batch({ batch: 6, epoch: 0, first: 0, count: 2 });
    const at = batch.conditioning[3] === 1012 ? 0 : 1;
    expect([...batch.conditioning.subarray(6 * at, 6 * at + 6)]).toEqual([1011, 2011, 2011.25, 1012, 2012, 2012.25]);
    expect(firsts(batch.actions, at)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 20, 20, 20, 20, 20, 20, 20]);
    expect([...(batch.validity as Uint8Array).subarray(16 * at, 16 * at + 16)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(batch.noise).toEqual(normals(4 * 32, { seed: 1, purpose: 'noise', step: 6 }));
    expect(batch.timesteps).toEqual(integers(4, 100, { seed: 1, purpose: 'timesteps', step: 6 }));
  });

  it('count padded actions unless they are masked', async () => {
    const counted = unetBatches({ ...spec, maskPadding: false }, { anchors: Int32Array.of(12), batchSize: 1, seed: 1 });
    expect((await counted.batch({ batch: 0, epoch: 0, first: 0, count: 1 })).validity).toBeNull();
  });
});

describe('draws', () => {
  it('of noise levels take every level about as often', () => {
    const levels = integers(20_000, 10, { seed: 2, purpose: 'timesteps', step: 0 });
    const counts = Array.from({ length: 10 }, (_, level) => levels.filter((found) => found === level).length);
    expect(Math.min(...counts)).toBeGreaterThan(1800);
    expect(Math.max(...counts)).toBeLessThan(2200);
  });

  it('of one purpose are independent of those of others, of other steps and of other seeds', () => {
    const key = { seed: 2, purpose: 'noise', step: 7 } as const;
    const others = [
      { ...key, purpose: 'historyNoise' as const },
      { ...key, step: 8 },
      { ...key, seed: 3 },
      { ...key, part: 1 },
    ];
    for (const other of others) expect(normals(4, other)).not.toEqual(normals(4, key));
    expect(normals(3, key)).toEqual(normals(4, key).subarray(0, 3));
    expect(uniforms(4, key)).toEqual(uniforms(4, key));
  });

  it('of a permutation leave nothing out', () => {
    const order = permutation(100, { seed: 4, purpose: 'split', step: 0 });
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect([...order.subarray(0, 4)]).not.toEqual([0, 1, 2, 3]);
  });
});

describe('a split', () => {
  const many = memoryDataset(new Array<number>(40).fill(3), [{ name: 'action', size: 1, value: (row) => row }]);

  it('holds back a share of the episodes, by the seed', () => {
    const { training, validation } = splitEpisodes(many, ['action'], 0.1, 1);
    expect([training.length, validation.length]).toEqual([36, 4]);
    expect(training.filter((index) => validation.includes(index))).toEqual([]);
    expect(splitEpisodes(many, ['action'], 0.1, 1).validation).toEqual(validation);
    expect(splitEpisodes(many, ['action'], 0.1, 2).validation).not.toEqual(validation);
  });

  it('holds back none where none can be spared or none is asked for, one of a few', () => {
    expect(splitEpisodes(DATASET, ['action'], 0.5, 1).validation).toEqual([]);
    expect(splitEpisodes(many, ['action'], 0, 1).validation).toEqual([]);
    expect(
      splitEpisodes(memoryDataset([5, 5, 5, 5], [{ name: 'action', size: 1, value: () => 0 }]), ['action'], 0.01, 1).validation,
    ).toHaveLength(1);
  });

  it('leaves out episodes that miss a feature', () => {
    const episodes = many.episodes.map((episode) => ({
      ...episode,
      missing: episode.index < 30 ? [{ feature: episode.index < 10 ? '*' : 'action', file: 'data.parquet' }] : [],
    }));
    const { training, validation } = splitEpisodes({ episodes }, ['action'], 0.1, 1);
    expect([...training, ...validation].sort((a, b) => a - b)).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  });

  it('is looked at in a few evenly spread anchors', () => {
    expect([
      ...spread(
        Int32Array.from({ length: 10 }, (_, i) => i),
        5,
      ),
    ]).toEqual([0, 2, 4, 6, 8]);
    expect([...spread(Int32Array.of(1, 2), 5)]).toEqual([1, 2]);
  });
});

describe('normalisation', () => {
  it('of actions is the inverse of what a policy does to its own', () => {
    const unnormalizer = {
      mode: 'min-max',
      add: Float32Array.of(1, 1),
      halve: Float32Array.of(0.5, 0.5),
      multiply: Float32Array.of(10, 4),
      shift: Float32Array.of(-5, 2),
    } as const;
    const { subtract, divide, multiply, add } = actionNormalizer(unnormalizer);
    const brought = (x: number, i: number): number =>
      ((x - (subtract[i] as number)) / (divide[i] as number)) * (multiply[i] as number) + (add[i] as number);
    expect([brought(-5, 0), brought(5, 0), brought(0, 0), brought(2, 1), brought(6, 1)]).toEqual([-1, 1, 0, -1, 1]);
  });

  it('of data that statistics are not of is refused, naming the feature: the data set is at fault, no option', () => {
    for (const check of [checkNormalized, checkRaw]) expect(() => check(Float32Array.of(NaN), 1, 'x')).toThrow(DatasetError);
    expect(() => checkNormalized(Float32Array.of(0, 3e8), 2, '"action" of other')).toThrow(/"action" of other.*300000000 of value 1/);
    expect(() => checkNormalized(Float32Array.of(NaN), 1, 'x')).toThrow('NaN');
    expect(checkNormalized(Float32Array.of(-1.5, 1), 2, 'x')).toHaveLength(2);
  });

  it('pictures of several sizes are the fault of the data set too', async () => {
    const readPicture = async (): Promise<PictureData> => ({ data: new Uint8Array(12), height: 2, width: 2 });
    const cameras = { names: ['camera'], frame: [2, 3] as const };
    const read = readPictures({ ...DATASET, readPicture }, cameras, Int32Array.of(0), 1, 1);
    await expect(read).rejects.toThrow(DatasetError);
    await expect(read).rejects.toThrow(/"camera" of .*, row 0: expected a picture of 2×3, found 2×2\. Write the data set anew/);
  });
});
