import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorReport } from '../../src/verification/compare.js';
import { compareScalars, isNoise, TotalDifference, WorstTensor } from '../../src/verification/training/compare-training.js';
import { trainingDescription } from '../../src/verification/training/description.js';

type Json = Record<string, unknown>;

const recorded = (): Json & { runs: Record<string, Json> } =>
  JSON.parse(readFileSync(new URL('../goldens/train-unet-nofilm/case.json', import.meta.url), 'utf8'));

describe('case.json of a training case', () => {
  it('gives the optimiser the recorded rates and decays, step by step', () => {
    const { runs, batch, steps, fullRun } = trainingDescription('case', recorded());
    expect({ batch, steps, fullRun }).toEqual({ batch: 6, steps: 10, fullRun: 'diffusion-policy' });
    const run = runs.find(({ name }) => name === 'masked-clip-adamw');
    expect(run).toMatchObject({ isMasked: true, recordAt: [2, 10] });
    expect(run?.updates[2]).toEqual({
      optimizer: 'adamw',
      learningRate: 0.0006666666666666666,
      beta1: 0.95,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.1,
      stepNumber: 3,
      clipNorm: expect.closeTo(run?.updates[2]?.clipNorm ?? NaN),
      emaDecay: expect.closeTo(0.4053964424986395),
    });
    expect(runs.find(({ name }) => name === 'diffusion-policy')?.clipFactor).toBeUndefined();
  });

  const broken: readonly [string, (json: ReturnType<typeof recorded>) => void, string][] = [
    ['steps of 0', (json) => void (json['steps'] = 0), 'steps must be a positive integer'],
    ['no runs', (json) => void delete (json as Json)['runs'], 'runs must be an object'],
    ['an unknown optimiser', (json) => void (json.runs['lerobot']!['optimizer'] = 'sgd'), 'runs.lerobot.optimizer'],
    ['too few losses', (json) => void (json.runs['lerobot']!['loss'] = [1, 2]), 'runs.lerobot.loss must be 10 numbers'],
    ['a text for a rate', (json) => void (json.runs['lerobot']!['lr_used'] = ['0']), 'runs.lerobot.lr_used must be numbers'],
    ['parameters without names', (json) => void (json['parameters'] = [{ shape: [1] }]), 'parameters.name must be a text'],
  ];
  it.each(broken)('%s is an error that says where', (_what, breakIt, message) => {
    const json = recorded();
    breakIt(json);
    expect(() => trainingDescription('case', json)).toThrow(message);
  });
});

describe('comparisons of training', () => {
  const report = (name: string, error: number, scale = 1): TensorReport => ({ name, shape: [1], error, scale, tolerance: 1, pass: true });

  it('the worst of many tensors is relative to its own size, and NaN is worst', () => {
    const worst = new WorstTensor();
    for (const one of [report('a', 1, 10), report('b', 0.5, 1), report('c', 2, 100)]) worst.add(one);
    expect(worst.report('grad')).toMatchObject({ name: 'grad: worst of 3, b', error: 0.5 });
    for (const one of [report('d', NaN), report('e', 7)]) worst.add(one);
    expect(worst.report('grad')).toMatchObject({ name: 'grad: worst of 5, d', error: NaN });
    expect(new WorstTensor().report('grad')).toBeUndefined();
  });

  it('a total is relative L2, weighted; NaN fails', () => {
    const total = new TotalDifference();
    total.add(3, 3.3, 4);
    total.add(4, 4);
    expect(total.report('delta', 0.1)).toMatchObject({ error: expect.closeTo(0.6), scale: expect.closeTo(Math.sqrt(52)), pass: true });
    expect(total.report('delta', 0.08).pass).toBe(false);
    total.add(1, NaN);
    expect(total.report('delta', 1e9).pass).toBe(false);
  });

  it('scalars are relative one by one', () => {
    expect(compareScalars('loss', [1, 100], [1, 101], 0.011).pass).toBe(true);
    expect(compareScalars('loss', [1, 100], [1.02, 100], 0.011).pass).toBe(false);
    expect(compareScalars('loss', [1, 100], [1], 1).pass).toBe(false);
    expect(compareScalars('loss', [0], [0.5], 0.6).error).toBe(0.5);
  });

  it('noise is known by its rows', () => {
    const zeros = [{ tensor: 'bias', rows: [2, 4] as const }];
    expect([1, 2, 3, 4].map((element) => isNoise(zeros, 'bias', [6], element))).toEqual([false, true, true, false]);
    expect(isNoise(zeros, 'bias', [6, 5], 12)).toBe(true);
    expect(isNoise(zeros, 'other', [6], 2)).toBe(false);
  });
});
