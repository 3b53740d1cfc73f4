import type { MethodCheckpoint, PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import { OptionError } from '../foundation/errors.js';
import type { PredictorObservation } from '../spec/network-shapes.js';
import { type ObservationInfo, observationInfo, valuesInFrame } from '../spec/policy-spec.js';
import type { StartRows } from './start-rows.js';

/** Refuses the network of a method that was trained for another policy. @throws OptionError. */
export function assertMethodFits(policy: PolicyCheckpoint, { name, config }: MethodCheckpoint): void {
  const { unet, observationSteps } = policy;
  const own = config.unet;
  const pairs: [string, number, number][] = [
    ['action_dim', unet.actionDim, own.actionDim],
    ['n_obs_steps', observationSteps, config.observationSteps],
    ['obs_dim', unet.conditioningDim / observationSteps, own.conditioningDim / config.observationSteps],
    // Buffers of rows at many levels are as long as their training made them.
    ...('varianceType' in config ? [] : [['horizon', unet.horizon, own.horizon] as [string, number, number]]),
  ];
  for (const [key, expected, found] of pairs) {
    if (expected !== found) {
      throw new OptionError(
        `network "${name}" (${config.type}) does not belong to policy "${policy.name}": its ${key} is ${found}, the policy's is ${expected}. ` +
          'Give the network that was trained for this policy.',
      );
    }
  }
}

/** Refuses a predictor of another policy; says how its rows are made, where it reads some. @throws OptionError. */
export function assertPredictorFits(policy: PolicyCheckpoint, predictor: StartCheckpoint): StartRows | undefined {
  const { config, observation } = predictor;
  const frame = policy.observations.reduce((sum, feature) => sum + feature.size, 0);
  const pairs: [string, number, number][] = [
    ['action_dim', policy.unet.actionDim, config.actionDim],
    ...(observation.kind === 'conditioning' ? [['obs_dim', frame, config.observationDim] as [string, number, number]] : []),
    ['horizon', policy.unet.horizon, config.horizon],
    ['n_obs_steps', policy.observationSteps, config.observationSteps],
  ];
  for (const [key, expected, found] of pairs) {
    if (expected !== found) {
      throw new OptionError(
        `predictor "${predictor.name}" does not belong to policy "${policy.name}": its ${key} is ${found}, the policy's is ${expected}. ` +
          "Give the predictor that was trained for this policy, or networks: { predictor: 'shift' }.",
      );
    }
  }
  const where = `predictor "${predictor.name}" does not belong to policy "${policy.name}"`;
  return startRows(observation, observationInfo(policy.observations), where);
}

/**
 * How rows are made of the frames of a policy; undefined where the start reads the conditioning. `where`: the start and the policy, for
 * messages.
 * @throws OptionError where the policy does not observe what the start reads, or not of that size.
 */
export function startRows(observation: PredictorObservation, observed: readonly ObservationInfo[], where: string): StartRows | undefined {
  if (observation.kind !== 'raw') return undefined;
  const { encoder, width } = observation;
  const fail = (what: string, todo: string): never => {
    throw new OptionError(`${where}: ${what}. ${todo}`);
  };
  const find = (name: string, kind: ObservationInfo['kind']): ObservationInfo => {
    const found = observed.find((one) => one.kind === kind && (one.feature === name || one.name === name));
    if (found) return found;
    const known = observed.filter((one) => one.kind === kind).map(({ feature }) => feature);
    return fail(
      `it reads the ${kind} "${name}", which the policy does not observe (${known.length === 0 ? 'it observes none' : known.join(', ')})`,
      'Give the predictor that was trained for this policy.',
    );
  };
  const images = observed.filter(({ kind }) => kind === 'image');
  const cameras = observation.cameras.map((name) => {
    const camera = find(name, 'image');
    if (camera.kind === 'image' && (camera.height !== encoder.height || camera.width !== encoder.width)) {
      fail(
        `it reads pictures of ${encoder.height}×${encoder.width} pixels (image_shape), the policy's "${name}" has ${camera.height}×${camera.width}`,
        'Give the predictor that was trained for this policy.',
      );
    }
    return images.indexOf(camera);
  });
  const vectors = observation.vectors.map((name) => {
    const index = observed.indexOf(find(name, 'vector'));
    const before = observed.slice(0, index).reduce((sum, one) => sum + valuesInFrame(one), 0);
    return { first: before, size: valuesInFrame(observed[index] as ObservationInfo) };
  });
  const found = cameras.length * encoder.features + vectors.reduce((sum, { size }) => sum + size, 0);
  if (found !== width) {
    fail(
      `its rows have ${width} values (feature_dim), ${cameras.length} × ${encoder.features} features and the policy's ` +
        `${observation.vectors.join(', ') || 'no vectors'} make ${found}`,
      'Give the predictor that was trained for this policy.',
    );
  }
  return { width, features: encoder.features, cameras, vectors };
}
