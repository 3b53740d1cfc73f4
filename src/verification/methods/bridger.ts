import { CheckpointError } from '../../foundation/errors.js';
import { joinedFloats } from '../../foundation/joined.js';
import type { Decision, Policy } from '../../policy/policy.js';
import { SDE_FORMS, type SdeForm } from '../../spec/method-networks.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import type { GoldenCase } from '../golden-case.js';
import type { Computed, MethodCaseKind, MethodRun } from './define.js';
import { activations, chunksOf, probeOf, samplesOf } from './one-batch.js';
import { CONDITIONING } from './stand-in-policy.js';

/** What the file calls the network that is evaluated first. */
const FIRST = 'v_net.';

/** Cases of BRIDGER's SDE: one decision of a batch by velocity and score, and the same by drift and score. */
export const BRIDGER_CASE: MethodCaseKind = {
  strategy: (golden) => strategyOf(golden, 'vs'),
  probes: ['prediction', 'model_output', 'sample'],
  activationPrefix: FIRST,
  tolerance: 2e-5,
  isExact: (name) => name === 'times',
  compute: async (run) => {
    const { golden, policy } = run;
    const computed: Computed = new Map();
    for (const form of SDE_FORMS) {
      policy.useStrategy(strategyOf(golden, form));
      const decisions = await decide(golden, policy);
      const prefix = form === 'vs' ? '' : 'bs.';
      ofForm(run, decisions, form).forEach((values, name) => computed.set(prefix + name, values));
      if (form === 'vs') ofFirst(run, decisions).forEach((values, name) => computed.set(name, values));
    }
    return computed;
  },
};

function strategyOf({ name, description }: GoldenCase, sde: SdeForm): StrategyOptions {
  const { steps, form, prior } = description;
  if (form !== undefined && form !== 'compat') {
    throw new CheckpointError(
      `case "${name}": case.json: form must be "compat", the sampler as the release has it, found ${JSON.stringify(form)}.`,
    );
  }
  if (prior !== undefined && prior !== 'normal' && prior !== 'cvae') {
    throw new CheckpointError(`case "${name}": case.json: prior must be "normal" or "cvae", found ${JSON.stringify(prior)}.`);
  }
  return { name: 'BRIDGER', sde, ...(steps === undefined ? {} : { steps }), ...(prior === undefined ? {} : { prior }) };
}

/** Decides over the recorded conditioning with the recorded start or latent, and a row of step noise for each step. */
async function decide(golden: GoldenCase, policy: Policy): Promise<Decision[]> {
  const windows = await samplesOf(golden, 'input.global_cond');
  const optional = async (name: string): Promise<Float32Array[] | undefined> => (golden.has(name) ? samplesOf(golden, name) : undefined);
  const [noise, latents] = [await optional('input.noise'), await optional('input.latent')];
  const stepNoise = await samplesOf(golden, 'input.step_noise');
  return policy.decideAll(
    windows.map((window, b) => {
      const size = (stepNoise[0]?.length ?? 0) / windows.length;
      return {
        window: { [CONDITIONING]: window },
        previous: [],
        ...(noise ? { noise: noise[b] } : {}),
        ...(latents ? { latent: latents[b] } : {}),
        stepNoise: stepNoise.map((row) => row.subarray(b * size, (b + 1) * size)),
      };
    }),
  );
}

/** Every step's outputs and sample [n][b][H][D], and the chunk. */
function ofForm({ golden }: MethodRun, decisions: readonly Decision[], form: SdeForm): Computed {
  const [steps = 0] = golden.shape('input.step_noise');
  const of = (probe: string, evaluation: (step: number) => number): Float32Array =>
    joinedFloats(Array.from({ length: steps }, (_, step) => probeOf(decisions, `${probe}.${evaluation(step)}`)));
  return new Map<string, ArrayLike<number>>([
    [form[0] as string, of('model_output', (step) => 2 * step)],
    ['s', of('model_output', (step) => 2 * step + 1)],
    ['sample', of('sample', (step) => 2 * step + 1)],
    ['chunk', chunksOf(decisions)],
  ]);
}

/** What both forms have in common, and activations of the first evaluation. */
function ofFirst(run: MethodRun, decisions: readonly Decision[]): Computed {
  const { timesteps } = decisions[0] as Decision;
  const common: Computed = new Map([['times', Float32Array.from(timesteps.filter((_, evaluation) => evaluation % 2 === 0))]]);
  if (run.golden.has('expected.prior')) common.set('prior', probeOf(decisions, 'prediction'));
  activations(run, decisions, { prefix: FIRST }).forEach((values, name) => common.set(name, values));
  return common;
}
