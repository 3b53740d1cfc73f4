import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import type { DecisionInput, DecisionOutput, DecisionShape } from '../../src/decision/decision-input.js';
import { DecisionUpload } from '../../src/decision/decision-upload.js';
import { type DenoiseRun, Denoiser } from '../../src/decision/denoiser.js';
import type { PlanCache } from '../../src/decision/plan-cache.js';
import { sameSteps } from '../../src/decision/same-steps.js';
import { makeSchedule, type Schedule, type SolverStep } from '../../src/diffusion/solver-step.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { golden } from '../support/folders.js';
import { NOTHING } from '../support/solver-steps.js';
import { TOY_CONTEXT } from '../support/toy-episode.js';

/** A denoiser whose plans compute nothing: what they were handed, and that it goes up. */
function recording(sizes: Partial<DecisionShape> = {}): { readonly denoiser: Denoiser; readonly inputs: DecisionInput[] } {
  const inputs: DecisionInput[] = [];
  const find = (batch: number, schedule: Schedule): unknown => {
    const rest = { observationSteps: 1, frameWidth: 1, horizon: 4, actionDim: 1, maxSteps: schedule.steps.length };
    const shape: DecisionShape = { batch, ...rest, maxNoiseRows: schedule.noisySteps, ...sizes };
    const run = async (input: DecisionInput, use: (output: DecisionOutput) => unknown): Promise<unknown> => {
      new DecisionUpload(shape).fill(input);
      inputs.push(input);
      const chunk = new Float32Array(batch * shape.horizon * shape.actionDim);
      return use({ normalizedChunk: chunk, chunk, failures: new Map(), probes: new Map() });
    };
    return { shape, run };
  };
  return { denoiser: new Denoiser({ find, latents: undefined } as unknown as PlanCache), inputs };
}

const run = (schedule: Schedule, more: Partial<DenoiseRun> = {}, size = 4): DenoiseRun => ({
  request: { predictionScale: 1, noiseScale: 0, schedule },
  frames: new Float32Array(1),
  history: undefined,
  noise: new Float32Array(size),
  stepNoise: Array.from({ length: schedule.noisySteps }, () => new Float32Array(size)),
  ...more,
});

describe('robots of a fleet', () => {
  it.each<[string, StrategyOptions, StrategyOptions]>([
    ['sdp', { name: 'SDP' }, { name: 'SDP', clip: 0.5 }],
    ['rnr-dp', { name: 'RNR-DP' }, { name: 'RNR-DP', clip: 0.5 }],
  ])('share a batch where their %s was made apart, and not with one of other coefficients', async (name, options, others) => {
    const { config: network, close } = await loadMethodCheckpoint(golden(`methods/${name}/network`));
    await close();
    const context = { ...TOY_CONTEXT, methods: methodsByType([network]) };
    const usual = (chosen: StrategyOptions): Schedule => createStrategy(chosen, context).usual;
    const schedules = [usual(options), usual(options), usual(others), usual(options)];
    expect(schedules[0]).not.toBe(schedules[1]);
    const { horizon, actionDim } = network.unet;
    const { denoiser, inputs } = recording({ horizon, actionDim, slotRows: horizon });
    for (let again = 0; again < 2; again++) {
      await denoiser.run(schedules.map((schedule) => run(schedule, {}, horizon * actionDim)));
      expect(inputs.splice(0).map(({ starts }) => starts.length)).toEqual([3, 1]);
    }
  });

  it('have the same steps where every value is, rows of a chunk included', () => {
    const row = { ...NOTHING, fromX0: 1 };
    const one = (change: Partial<SolverStep> = {}): Schedule =>
      makeSchedule('DDPM', [{ ...NOTHING, levels: [1, 2], slots: [row, { ...row }], ...change }]);
    const base = one();
    expect(sameSteps(base, one())).toBe(true);
    const different: Partial<SolverStep>[] = [
      { slots: [row, { ...row, fromNoise: 1 }] },
      { slots: [row] },
      { slots: [row, { ...row, fromOlderX0: 1 }] },
      { levels: [1, 3] },
      { timestep: 7 },
      { network: 'another' },
    ];
    for (const change of different) {
      expect([sameSteps(base, one(change)), sameSteps(one(change), base)]).toEqual([false, false]);
    }
    expect(sameSteps(base, makeSchedule('DDPM', [{ ...NOTHING, levels: [1, 2] }]))).toBe(false);
    expect(sameSteps(base, makeSchedule('DDPM', [...base.steps, ...base.steps]))).toBe(false);
  });
});

describe("what a policy's predictor reads", () => {
  const schedule = makeSchedule('method', [NOTHING]);
  const given = { rows: new Float32Array(3).fill(1), latent: new Float32Array(16).fill(2) };

  it.each([1, 2])('does not go up to a plan whose start reads none, %i robots', async (robots) => {
    const { denoiser, inputs } = recording();
    await denoiser.run(Array.from({ length: robots }, () => run(schedule, given)));
    expect(inputs).toHaveLength(1);
    expect(inputs[0]).toMatchObject({ rows: undefined, latent: undefined });
  });

  it.each([1, 2])('goes up to one that reads it, %i robots', async (robots) => {
    const { denoiser, inputs } = recording({ rowWidth: 3, latentDim: 16 });
    await denoiser.run(Array.from({ length: robots }, () => run(schedule, given)));
    expect(inputs[0]?.rows).toEqual(new Float32Array(3 * robots).fill(1));
    expect(inputs[0]?.latent).toEqual(new Float32Array(16 * robots).fill(2));
  });
});
