import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { type DenoiseRun, Denoiser, type FinishedRun, givenRun } from '../../src/decision/denoiser.js';
import { levelDenoiser } from '../../src/decision/denoisers/unet-denoiser.js';
import { loadNetworks, type PolicyNetworks } from '../../src/decision/networks.js';
import { PlanCache } from '../../src/decision/plan-cache.js';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { makeSchedule } from '../../src/diffusion/solver-step.js';
import { OptionError } from '../../src/foundation/errors.js';
import { loadUnetWeights } from '../../src/networks/unet/unet.js';
import { Uploader } from '../../src/runtime/uploader.js';
import { strategyContext } from '../../src/strategies/strategy.js';
import { useTestDevice } from '../support/device.js';
import { irregular } from '../support/golden-policy.js';
import { randomPolicy } from '../support/random-checkpoint.js';
import { solverOptions } from '../support/recorded-case.js';

const UNET = {
  actionDim: 2,
  horizon: 8,
  downDims: [16, 8],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 6,
  scaleModulation: true,
};

describe('runs that name a denoiser', () => {
  const device = useTestDevice();

  async function load(seed: number): Promise<{ checkpoint: PolicyCheckpoint; networks: PolicyNetworks }> {
    const checkpoint = await loadPolicyCheckpoint(randomPolicy(UNET, 3, { seed }).source);
    return { checkpoint, networks: await loadNetworks(device(), checkpoint, undefined, { precision: 'f32' }) };
  }

  function run(checkpoint: PolicyCheckpoint, salt: number, denoiser?: string): DenoiseRun {
    const context = strategyContext(checkpoint);
    const schedule = ddimSchedule({ ...solverOptions('state-ddim2'), steps: 2 });
    const { request, ...rest } = givenRun({ sample: irregular(16, salt), schedule }, context);
    if (denoiser === undefined) return { ...rest, frames: irregular(6), request };
    // The same steps, which name what their network embeds.
    const levelled = makeSchedule(
      'method',
      schedule.steps.map((step) => ({ ...step, levels: [step.timestep] })),
    );
    return { ...rest, frames: irregular(6), request: { ...request, schedule: levelled, denoiser } };
  }

  it('go through that one, in a batch of its own, and an unknown one is an error', async () => {
    const [own, student] = [await load(1), await load(2)];
    const chunks = async (networks: PolicyNetworks, runs: readonly DenoiseRun[]): Promise<Float32Array[]> => {
      const plans = new PlanCache(networks, own.checkpoint, []);
      try {
        return (await new Denoiser(plans).run(runs)).map((run) => (run as FinishedRun).normalizedChunk);
      } finally {
        plans.destroy();
      }
    };
    const salts = [1, 2, 3];
    const expected = {
      own: await chunks(
        own.networks,
        salts.map((salt) => run(own.checkpoint, salt)),
      ),
      student: await chunks(
        student.networks,
        salts.map((salt) => run(own.checkpoint, salt)),
      ),
    };
    expect(expected.own).not.toEqual(expected.student);
    const uploader = new Uploader(device());
    const weights = await loadUnetWeights({ source: student.checkpoint.weights, uploader, precision: 'f32' }, UNET);
    const both = { ...own.networks, denoisers: new Map([['student', levelDenoiser(device(), 'onedp', weights)]]) };
    const mixed = [run(own.checkpoint, 1), run(own.checkpoint, 2, 'student'), run(own.checkpoint, 3)];
    expect(await chunks(both, mixed)).toEqual([expected.own[0], expected.student[1], expected.own[2]]);

    const unknown = [run(own.checkpoint, 1, 'teacher')];
    await expect(chunks(both, unknown)).rejects.toThrow(OptionError);
    await expect(chunks(both, unknown)).rejects.toThrow(/denoiser "teacher".*"student"/);
    await expect(chunks(own.networks, unknown)).rejects.toThrow(/denoiser "teacher".*its own alone/);
    own.networks.destroy();
    student.networks.destroy();
    uploader.destroy();
  });
});
