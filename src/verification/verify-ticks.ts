import { CheckpointError } from '../foundation/errors.js';
import type { Decision, Policy } from '../policy/policy.js';
import type { GoldenCase } from './golden-case.js';
import { recordedObservations } from './recorded-observations.js';

const OBSERVATION = 'ticks.input.observation.';
const STEP_NOISE = 'ticks.input.variance_noise.';

/**
 * Replays the recorded episode tick by tick through act(). `decisions` collects what the policy reports of each
 * decision. Returns every `ticks.expected.*` tensor, and for STEP cases every `expected.*` one, by full name.
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
  policy.reset();
  const { actionDim } = policy.info;
  const first = decisions.length;
  const actions = new Float32Array(observations.length * actionDim);
  for (const [tick, observation] of observations.entries()) {
    const decision = decisions.length - first;
    const steps = stepNoise.map((row) => row[decision]).filter((row) => row !== undefined);
    actions.set(
      await policy.act(observation, { noise: noise[decision], ...(steps.length > 0 ? { stepNoise: steps } : {}) }),
      tick * actionDim,
    );
  }
  const computed = new Map<string, ArrayLike<number>>();
  for (const name of golden.names('ticks.expected.')) {
    if (name !== 'action') throw new CheckpointError(`the case expects "ticks.expected.${name}", which is not known.`);
    computed.set('ticks.expected.action', actions);
  }
  if (golden.description.kind === 'step') {
    const episode = decisions.slice(first);
    for (const name of golden.names('expected.')) computed.set(`expected.${name}`, decisionValue(name, episode));
  }
  return computed;
}

/** `stalled`, or `prediction.i`, `start.i`, `chunk.i` of decision i. */
function decisionValue(name: string, episode: readonly Decision[]): ArrayLike<number> {
  if (name === 'stalled') return episode.map(({ stalled }) => (stalled ? 1 : 0));
  const [, kind, index] = /^(prediction|start|chunk)\.(\d+)$/.exec(name) ?? [];
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
