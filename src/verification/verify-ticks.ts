import { CheckpointError } from '../foundation/errors.js';
import type { PolicyInfo } from '../policy/info.js';
import type { Decision, Policy } from '../policy/policy.js';
import { predictorStage } from './encoder-stage.js';
import type { GoldenCase } from './golden-case.js';
import { recordedObservations } from './recorded-observations.js';
import { isDecisionValue } from './verify-window.js';

const OBSERVATION = 'ticks.input.observation.';
const LATENT = 'ticks.input.latent';
const STEP_NOISE = 'ticks.input.variance_noise.';

/**
 * Replays the recorded episode tick by tick through act(). `decisions` collects what the policy reports of each
 * decision. Returns every `ticks.expected.*` tensor, and every `expected.*` one of its decisions, by full name.
 */
export async function computeTicks(
  golden: GoldenCase,
  policy: Policy,
  decisions: readonly Decision[],
): Promise<Map<string, ArrayLike<number>>> {
  const observations = await recordedObservations(golden, OBSERVATION);
  const noise = rows(await golden.values('ticks.input.noise'), golden.shape('ticks.input.noise'));
  const stepNoise: Float32Array[][] = [];
  for (let step = 0; golden.has(STEP_NOISE + step); step++) {
    stepNoise.push(rows(await golden.values(STEP_NOISE + step), golden.shape(STEP_NOISE + step)));
  }
  const latents = golden.has(LATENT) ? rows(await golden.values(LATENT), golden.shape(LATENT)) : undefined;
  policy.reset();
  const { actionDim } = policy.info;
  const first = decisions.length;
  const actions = new Float32Array(observations.length * actionDim);
  for (const [tick, observation] of observations.entries()) {
    const decision = decisions.length - first;
    const steps = stepNoise.map((row) => row[decision]).filter((row) => row !== undefined);
    const given = { noise: noise[decision], latent: latents?.[decision], ...(steps.length > 0 ? { stepNoise: steps } : {}) };
    actions.set(await policy.act(observation, given), tick * actionDim);
  }
  const computed = new Map<string, ArrayLike<number>>();
  for (const name of golden.names('ticks.expected.')) {
    if (name !== 'action') throw new CheckpointError(`the case expects "ticks.expected.${name}", which is not known.`);
    computed.set('ticks.expected.action', actions);
  }
  const episode = decisions.slice(first);
  for (const name of golden.names('expected.').filter(isDecisionValue)) {
    computed.set(`expected.${name}`, decisionValue(golden, name, episode, policy.info));
  }
  return computed;
}

/** `stalled`; `prediction.i`, `start.i`, `chunk.i`, … of decision i; `predictor.*`, of the first that starts from a prediction. */
function decisionValue(golden: GoldenCase, name: string, episode: readonly Decision[], info: PolicyInfo): ArrayLike<number> {
  if (name === 'stalled') return episode.map(({ stalled }) => (stalled ? 1 : 0));
  if (name.startsWith('predictor.')) {
    const values = episode.find(({ warm }) => warm)?.probes.get(name);
    if (!values) throw new CheckpointError(`the case expects "expected.${name}", which the predictor's image encoder does not have.`);
    return predictorStage(golden, `expected.${name}`, info, values);
  }
  const [, kind, index] = /^(\w+)\.(\d+)$/.exec(name) ?? [];
  const decision = episode[Number(index)];
  const values = kind === 'chunk' ? decision?.normalizedChunk : decision?.probes.get(kind ?? '');
  if (!values)
    throw new CheckpointError(`the case expects "expected.${name}", which the ${episode.length} decisions of its episode do not have.`);
  return values;
}

function rows(values: Float32Array, shape: readonly number[]): Float32Array[] {
  const count = shape[0] ?? 0;
  const size = values.length / Math.max(1, count);
  return Array.from({ length: count }, (_, row) => values.subarray(row * size, (row + 1) * size));
}
