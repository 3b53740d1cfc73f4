import { CheckpointError } from '../foundation/errors.js';
import type { Decision, Policy } from '../policy/policy.js';
import { toChannelsFirst } from './compare.js';
import type { GoldenCase } from './golden-case.js';

const PREFIX = 'expected.';
const OBSERVATION = 'input.observation.';

/** The taps that the expected tensors of a case ask for. */
export function tapsOf(golden: GoldenCase): string[] {
  const taps = new Set<string>();
  for (const name of golden.names(PREFIX)) {
    if (name === 'global_cond' || name.startsWith('normalized.')) taps.add('global_cond');
    else if (OUTPUTS.includes(name) || name.startsWith('model_output.')) taps.add('model_output');
    else if (name.startsWith('sample.')) taps.add('sample');
    else if (name.startsWith('activation.')) taps.add(tapNameOf(name));
    else if (name.startsWith('prediction.')) taps.add('prediction');
    else if (name.startsWith('start.')) taps.add('start');
  }
  return [...taps];
}

/** Plans over the recorded windows; returns every `expected.*` tensor as the engine computes it, by full name. */
export async function computeWindow(golden: GoldenCase, policy: Policy): Promise<Map<string, ArrayLike<number>>> {
  const window: Record<string, Float32Array> = {};
  for (const name of golden.names(OBSERVATION)) {
    window[`observation.${name}`] = await golden.values(OBSERVATION + name);
  }
  const stepNoise: Float32Array[] = [];
  for (let step = 0; golden.has(`input.variance_noise.${step}`); step++) {
    stepNoise.push(await golden.values(`input.variance_noise.${step}`));
  }
  const result = await policy.decide(window, {
    previous: [],
    noise: await golden.values('input.noise'),
    ...(stepNoise.length > 0 ? { stepNoise } : {}),
  });
  return new Map(golden.names(PREFIX).map((name) => [PREFIX + name, valueOf(name, result, policy)]));
}

function valueOf(name: string, result: Decision, policy: Policy): ArrayLike<number> {
  if (name === 'timesteps') return result.timesteps;
  if (name === 'action') return result.actions;
  if (name === 'action_horizon') return result.chunk;
  if (name === 'global_cond') return tap(result, 'global_cond', name);
  if (name.startsWith('normalized.')) return normalizedFeature(name.slice('normalized.'.length), result, policy);
  if (OUTPUTS.includes(name)) {
    const { horizon, actionDim } = policy.info;
    return toChannelsFirst(tap(result, 'model_output.0', name), result.batch, horizon, actionDim);
  }
  return tap(result, name.startsWith('activation.') ? `${tapNameOf(name)}.0` : name, name);
}

/** Modules whose output is the network's. */
const OUTPUTS = ['activation.final_conv', 'activation.final_conv.1'];

/** The last part of a convolution block (Mish) returns what the block returns. */
function tapNameOf(activation: string): string {
  return activation.replace(/\.block\.2$/, '');
}

function tap(result: Decision, key: string, wanted: string): Float32Array {
  const values = result.taps.get(key);
  if (!values) throw new CheckpointError(`the case expects "${PREFIX}${wanted}", which is no value of this network.`);
  return values;
}

/** One feature out of the conditioning vector [b][observationSteps][frame]. */
function normalizedFeature(feature: string, result: Decision, policy: Policy): Float32Array {
  const { observations, observationSteps } = policy.info;
  const width = observations.reduce((sum, { size }) => sum + size, 0);
  const index = observations.findIndex((observation) => observation.feature === feature || observation.name === feature);
  const found = observations[index];
  if (!found) throw new CheckpointError(`the case expects "${PREFIX}normalized.${feature}", which this policy does not read.`);
  const first = observations.slice(0, index).reduce((sum, { size }) => sum + size, 0);
  const frames = tap(result, 'global_cond', `normalized.${feature}`);
  const values = new Float32Array(result.batch * observationSteps * found.size);
  for (let frame = 0; frame < result.batch * observationSteps; frame++) {
    values.set(frames.subarray(frame * width + first, frame * width + first + found.size), frame * found.size);
  }
  return values;
}
