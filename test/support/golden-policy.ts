import type { Observation } from '../../src/observations/frame.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy, StatelessRequest } from '../../src/policy/policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { VectorObservation } from '../../src/spec/policy-spec.js';
import { golden } from './folders.js';
import { floats, type Tensors } from './recorded-case.js';

export interface GoldenOptions extends Omit<LoadPolicyOptions, 'device' | 'networks'> {
  /** True for the predictor of the case. */
  readonly predictor?: true | 'shift';
}

/** The policy of a golden case on a device. */
export function loadGolden(device: ComputeDevice, name: string, options: GoldenOptions = {}): Promise<Policy> {
  const { predictor, ...rest } = options;
  const given = predictor === true ? golden(`${name}/predictor`) : predictor;
  return loadPolicy(golden(`${name}/policy`), { ...rest, device, ...(given === undefined ? {} : { networks: { predictor: given } }) });
}

/** Irregular values between −0.9 and 0.9, the same every time. */
export function irregular(length: number, salt = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => 0.9 * Math.sin(12.9898 * (i + 1) + 78.233 * (salt + 1)));
}

/** What a policy without images observes. */
export function vectors(policy: Policy): VectorObservation[] {
  return policy.info.observations.map((observation) => {
    if (observation.kind !== 'vector') throw new Error(`${observation.name} is an image`);
    return observation;
  });
}

/** One tick's observation. */
export function observation(policy: Policy, salt = 0): Observation {
  return Object.fromEntries(vectors(policy).map(({ name, size }) => [name, irregular(size, salt)]));
}

/** A window for decide(); sample b depends on salt + b alone, whatever the batch. */
export function window(policy: Policy, salt = 0, batch = 1): Observation {
  const { observationSteps } = policy.info;
  return Object.fromEntries(
    vectors(policy).map(({ name, size }) => [name, stack(batch, (b) => irregular(size * observationSteps, salt + b))]),
  );
}

/** Noise for decide() and act(); sample b depends on salt + b alone. */
export function noise(policy: Policy, salt = 0, batch = 1): Float32Array {
  const { horizon, actionDim } = policy.info;
  return stack(batch, (b) => irregular(horizon * actionDim, 100 + salt + b));
}

function stack(batch: number, sample: (b: number) => Float32Array): Float32Array {
  return Float32Array.from(Array.from({ length: batch }, (_, b) => [...sample(b)]).flat());
}

/** Stateless decisions over the windows of salt, salt + 1, …, made together. */
export function decideTogether(
  policy: Policy,
  salt: number,
  batch: number,
  options: (b: number) => Omit<StatelessRequest, 'window' | 'previous'> & { readonly previous?: StatelessRequest['previous'] } = () => ({}),
): Promise<Decision[]> {
  return policy.decideAll(Array.from({ length: batch }, (_, b) => ({ previous: [], ...options(b), window: window(policy, salt + b) })));
}

/** Sample b of an array of samples. */
export function sampleOf(values: Float32Array, batch: number, b: number): Float32Array {
  const size = values.length / batch;
  return values.slice(b * size, (b + 1) * size);
}

/** Row `index` of a recorded tensor whose rows have `size` values. */
export function row(tensors: Tensors, name: string, index: number, size: number): Float32Array {
  return floats(tensors, name).slice(index * size, (index + 1) * size);
}

/** An inner value that the policy was loaded to hand out. */
export function probe(result: Decision, name: string): Float32Array {
  const values = result.probes.get(name);
  if (!values) throw new Error(`no probe ${name}: there are ${[...result.probes.keys()].join(', ')}`);
  return values;
}

/** Everything of a decision that must not differ between two runs, as bits. */
export function bits(result: Pick<Decision, 'normalizedChunk' | 'chunk'>): readonly number[] {
  return [result.normalizedChunk, result.chunk].flatMap((values) => [...new Uint32Array(values.slice().buffer)]);
}

/**
 * Stateless decisions over the samples of a batch, made together: `state` is f32 [batch][observationSteps × size] of
 * "observation.state", `options` are those of sample b. What was probed is the batch's, so that of the first is all there is.
 */
export async function decideBatch(
  policy: Policy,
  state: Float32Array,
  batch: number,
  options: (b: number) => Omit<StatelessRequest, 'window'>,
): Promise<readonly [Decision, ...Decision[]]> {
  const requests = Array.from({ length: batch }, (_, b) => ({ ...options(b), window: { 'observation.state': sampleOf(state, batch, b) } }));
  return (await policy.decideAll(requests)) as [Decision, ...Decision[]];
}
