import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../../src/checkpoints/predictor/read-predictor.js';
import { positionTables } from '../../../src/checkpoints/predictor/write-predictor.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import { normals } from '../../../src/training/loop/draws.js';
import type { TrainingEvent } from '../../../src/training/loop/events.js';
import { initialWeights, predictorRule } from '../../../src/training/loop/initial-weights.js';
import { ErrorSum } from '../../../src/training/loop/predictor-error.js';
import { predictorForward } from '../../../src/training/loop/predictor-forward.js';
import { STATE_FILE } from '../../../src/training/loop/run-state.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainPredictor } from '../../../src/training/loop/train-predictor.js';
import { PredictorTraining } from '../../../src/training/predictor/predictor-training.js';
import { useTestDevice } from '../../support/device.js';
import { circlingPolicy, otherStatistics, TINY_PREDICTOR } from '../../support/tiny-training.js';
import { CIRCLING as DATASET, expectSameAfterInterruption, tinyPolicyRun, tinyPredictorRun } from '../../support/training-runs.js';

describe('training on a device', () => {
  const device = useTestDevice();
  it('makes a policy that the engine runs, and says how good it is', async () => {
    const storage = memoryStorage();
    const events: TrainingEvent[] = [];
    const results: string[][] = [];
    await tinyPolicyRun(device(), storage, {
      onEvent: (event) => void events.push(event),
      onEvaluate: async (result) => {
        results.push([...(await result.list())].sort());
        return { score: 0.5 };
      },
    });
    expect(events.map(({ kind }) => kind)).toEqual([...new Array<string>(6).fill('step'), 'evaluation', 'checkpoint', 'done']);
    const evaluation = events.find((event) => event.kind === 'evaluation');
    expect(Object.keys(evaluation?.figures ?? {})).toEqual(['validation loss', 'validation chunk error', 'score']);
    expect(evaluation?.figures['validation loss']).toBeGreaterThan(0.3);
    expect(evaluation?.samples.length).toBeGreaterThan(3);
    const files = [...storage.files.keys()].filter((name) => !name.startsWith('training/')).sort();
    expect(results).toEqual([files]);
    const loaded = await loadPolicy(memorySource('result', Object.fromEntries(storage.files)), { device: device() });
    const action = await loaded.act({ 'observation.state': [90, 50], 'observation.environment_state': [0] });
    expect([...action].every((value) => value >= 9 && value <= 91)).toBe(true);
    expect(loaded.info.warnings).toEqual([]);
    await loaded.dispose();
  });

  it('makes a predictor that belongs to its policy, and compares it with the chunk moved on', async () => {
    const storage = memoryStorage();
    const events: TrainingEvent[] = [];
    await tinyPredictorRun(device(), storage, { onEvent: (event) => void events.push(event) });
    const evaluation = events.find((event) => event.kind === 'evaluation');
    expect(Object.keys(evaluation?.figures ?? {})).toEqual([
      'validation error',
      'validation error, unseen rows',
      'validation error of shift',
      'validation error of shift, unseen rows',
    ]);
    // Where the shifted chunk is a copy of the demonstration, its error is that of the other rows alone.
    const { 'validation error of shift': all, 'validation error of shift, unseen rows': unseen } = evaluation?.figures ?? {};
    expect(all).toBeCloseTo((unseen as number) / 2, 2);
    const source = memorySource('result', Object.fromEntries(storage.files));
    const checkpoint = await loadPredictorCheckpoint(source);
    expect(checkpoint.config).toMatchObject({ ...TINY_PREDICTOR, actionDim: 2, observationDim: 3, horizon: 8, historySteps: 8 });
    const loaded = await loadPolicy(circlingPolicy(DATASET), { device: device(), networks: { predictor: source } });
    await loaded.act({ 'observation.state': [90, 50], 'observation.environment_state': [0] });
    await loaded.dispose();
  });

  it.each([
    ['a policy', tinyPolicyRun],
    ['a predictor', tinyPredictorRun],
  ] as const)('of %s that was interrupted and gone on with equals one that was not, bit by bit; another seed does not', async (_, run) => {
    const whole = await expectSameAfterInterruption(run, device());
    const other = memoryStorage();
    await run(device(), other, { seed: 6 });
    const [found, seeded] = [other, whole].map(({ files }) => Buffer.from(files.get('model.safetensors') as Uint8Array));
    expect(found?.equals(seeded as Buffer)).toBe(false);
  });

  it('goes on with a predictor for the policy that it was begun for, no other', async () => {
    const storage = memoryStorage();
    await tinyPredictorRun(device(), storage);
    const policy = circlingPolicy(otherStatistics(DATASET));
    await expect(tinyPredictorRun(device(), storage, { resume: true, policy } as object)).rejects.toThrow(
      /is of another run: found policy "[0-9a-f]+/,
    );
  });

  it('goes on with a policy from before its run kept statistics under those of its result, no others', async () => {
    const storage = memoryStorage();
    await tinyPolicyRun(device(), storage);
    const state = Buffer.from(storage.files.get(STATE_FILE) as Uint8Array);
    const [entry] = /\\"statistics\\":\\"[0-9a-f]{64}\\",/.exec(state.toString('latin1')) as unknown as [string];
    state.fill(' ', state.indexOf(entry, 0, 'latin1'), state.indexOf(entry, 0, 'latin1') + entry.length);
    await storage.write(STATE_FILE, [new Uint8Array(state)]);
    const dataset = { ...otherStatistics(DATASET), statisticsComputed: false };
    await expect(tinyPolicyRun(device(), storage, { resume: true, dataset })).rejects.toThrow(
      /found statistics "[0-9a-f]+… \(the saved run has "[0-9a-f]+…\)\. What it normalises by/,
    );
    await tinyPolicyRun(device(), storage, { resume: true });
  });

  it('judges a predictor by the dispatches that decisions run, which give the loss of the training step', async () => {
    const shape = { ...TINY_PREDICTOR, actionDim: 2, observationDim: 3, horizon: 8, observationSteps: 2, historySteps: 8 };
    const step = await PredictorTraining.create(device(), { shape, batchSize: 4, ema: false });
    const weights = initialWeights(step.parameters, predictorRule, 2);
    step.write('weights', weights);
    const drawn = (count: number, part: number): Float32Array => normals(count, { seed: 1, purpose: 'noise', step: 0, part });
    const batch = { count: 4, previous: drawn(64, 1), observation: drawn(24, 2), target: drawn(64, 3), dropout: null };
    step.run(batch, null);
    const { loss } = await step.metrics();
    const forward = await predictorForward(device(), shape, new Map([...weights, ...positionTables(shape)]), 4);
    const sum = new ErrorSum(8, 2, 4);
    sum.add(await forward.predict(batch.previous, batch.observation), batch.target, 4);
    expect(Math.abs(sum.mean.all / loss - 1)).toBeLessThan(1e-5);
    forward.destroy();
    step.dispose();
  });

  it('learns: the error of a predictor falls', async () => {
    const errors: number[] = [];
    await trainPredictor({
      device: device(),
      dataset: DATASET,
      storage: memoryStorage(),
      batchSize: 16,
      seed: 5,
      validation: 0.2,
      policy: circlingPolicy(DATASET),
      sizes: { ...TINY_PREDICTOR, modelDim: 32, feedforwardDim: 64 },
      dropout: 0,
      history: { rowDropout: 0, noise: 0 },
      steps: 40,
      evaluateEvery: 20,
      saveEvery: 40,
      optimizer: { warmupSteps: 5, learningRate: 3e-3 },
      onEvent: (event) => {
        if (event.kind === 'evaluation') errors.push(event.figures['validation error'] as number);
      },
    });
    // Without learning it is the mean square of the actions, 0.5.
    expect(errors.at(-1)).toBeLessThan(0.25);
  });
});
