import { CheckpointError } from '../foundation/errors.js';
import { joinedFloats } from '../foundation/joined.js';
import { frameWidth } from '../observations/frame.js';
import type { Decision, Policy } from '../policy/policy.js';
import { toChannelsFirst } from './compare.js';
import { encoderStage } from './encoder-stage.js';
import type { GoldenCase } from './golden-case.js';
import { recordedObservations } from './recorded-observations.js';

const PREFIX = 'expected.';
const OBSERVATION = 'input.observation.';

/** The probes that the expected tensors of a case ask for. */
export function probesOf(golden: GoldenCase): string[] {
  const probes = new Set<string>();
  for (const name of golden.names(PREFIX)) {
    if (name === 'global_cond' || name.startsWith('normalized.')) probes.add('global_cond');
    else if (OUTPUTS.includes(name) || name.startsWith('model_output.')) probes.add('model_output');
    else if (name.startsWith('sample.')) probes.add('sample');
    else if (name.startsWith('encoder.') || name.startsWith('predictor.')) probes.add(name);
    else if (name.startsWith('activation.')) probes.add(probeNameOf(name));
    else if (isDecisionValue(name)) probes.add(name.replace(/\.\d+$/, ''));
  }
  return [...probes];
}

/** Whether a value is of a decision of the case's episode: of decision i, as `prediction.i`, or of the first warm one. */
export function isDecisionValue(name: string): boolean {
  return name === 'stalled' || name.startsWith('predictor.') || /^(prediction|start|chunk|features|tokens|cond)\.\d+$/.test(name);
}

/**
 * Decides over the recorded windows [b][…]; returns every `expected.*` tensor that is none of an episode as the engine computes it, by full
 * name.
 */
export async function computeWindow(golden: GoldenCase, policy: Policy): Promise<Map<string, ArrayLike<number>>> {
  const [batch = 1] = golden.shape('input.noise');
  const read = async (name: string): Promise<Float32Array[]> => {
    const values = await golden.values(name);
    const size = values.length / batch;
    return Array.from({ length: batch }, (_, b) => values.slice(b * size, (b + 1) * size));
  };
  const windows = await recordedObservations(golden, OBSERVATION);
  const noise = await read('input.noise');
  const stepNoise: Float32Array[][] = [];
  for (let step = 0; golden.has(`input.variance_noise.${step}`); step++) stepNoise.push(await read(`input.variance_noise.${step}`));
  const decisions = await policy.decideAll(
    windows.map((window, b) => ({
      window,
      previous: [],
      noise: noise[b],
      ...(stepNoise.length > 0 ? { stepNoise: stepNoise.map((row) => row[b] as Float32Array) } : {}),
    })),
  );
  const names = golden.names(PREFIX).filter((name) => !isDecisionValue(name));
  return new Map(names.map((name) => [PREFIX + name, valueOf(golden, name, decisions, policy)]));
}

/** One schedule for all: they ran as one batch, whose timesteps and probes every one of them has. */
function valueOf(golden: GoldenCase, name: string, decisions: readonly Decision[], policy: Policy): ArrayLike<number> {
  const [first] = decisions as readonly [Decision];
  if (name === 'timesteps') return first.timesteps;
  if (name === 'action') return joinedFloats(decisions.map(({ actions }) => actions));
  if (name === 'action_horizon') return joinedFloats(decisions.map(({ chunk }) => chunk));
  if (name === 'global_cond') return probe(first, 'global_cond', name);
  if (name.startsWith('encoder.')) return encoderStage(golden, PREFIX + name, policy.info, probe(first, name, name));
  if (name.startsWith('normalized.')) return normalizedFeature(name.slice('normalized.'.length), decisions, policy);
  if (OUTPUTS.includes(name)) {
    const { horizon, actionDim } = policy.info;
    return toChannelsFirst(probe(first, 'model_output.0', name), decisions.length, horizon, actionDim);
  }
  return probe(first, name.startsWith('activation.') ? `${probeNameOf(name)}.0` : name, name);
}

/** Modules whose output is the network's. */
const OUTPUTS = ['activation.final_conv', 'activation.final_conv.1'];

/** The last part of a convolution block (Mish) returns what the block returns. */
function probeNameOf(activation: string): string {
  return activation.replace(/\.block\.2$/, '');
}

function probe(result: Decision, key: string, wanted: string): Float32Array {
  const values = result.probes.get(key);
  if (!values) throw new CheckpointError(`the case expects "${PREFIX}${wanted}", which is no value of this network.`);
  return values;
}

/** One feature out of the conditioning vector [b][observationSteps][frame]. */
function normalizedFeature(feature: string, decisions: readonly Decision[], policy: Policy): Float32Array {
  const { observations, observationSteps } = policy.info;
  const width = frameWidth(observations);
  const index = observations.findIndex((observation) => observation.feature === feature || observation.name === feature);
  const found = observations[index];
  if (!found) throw new CheckpointError(`the case expects "${PREFIX}normalized.${feature}", which this policy does not read.`);
  if (found.kind === 'image')
    throw new CheckpointError(`the case expects "${PREFIX}normalized.${feature}", which is an image: it is not kept.`);
  const first = frameWidth(observations.slice(0, index));
  const frames = probe(decisions[0] as Decision, 'global_cond', `normalized.${feature}`);
  const values = new Float32Array(decisions.length * observationSteps * found.size);
  for (let frame = 0; frame < decisions.length * observationSteps; frame++) {
    values.set(frames.subarray(frame * width + first, frame * width + first + found.size), frame * found.size);
  }
  return values;
}
