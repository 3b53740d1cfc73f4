import type { NamedTensors } from '../checkpoints/named-tensors.js';
import type { MethodCheckpoint, PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';

/** Tensors whose values are looked at. Training changes nearly all of them, so a few small ones tell. */
const COMPARED_TENSORS = 8;

/**
 * What tells the files of a policy from those of another: what they say of the policy, all tensors' shapes, and the values of a
 * few. Weights that are read again shall be those that episodes were begun with.
 */
export async function fileFacts(
  policy: PolicyCheckpoint,
  predictor: StartCheckpoint | undefined,
  methods: readonly MethodCheckpoint[] = [],
): Promise<string> {
  const { unet, images, scheduler, observationSteps, actionSteps, observations, action, encoders } = policy;
  const networks: object[] = [];
  for (const { config, weights } of methods) networks.push({ config, ...(await tensorFacts(weights)) });
  return JSON.stringify([
    { unet, images, scheduler, observationSteps, actionSteps, observations, action },
    await tensorFacts(policy.weights),
    encoders ? await tensorFacts(encoders.weights) : null,
    predictor ? [predictor.config, predictor.observation, await tensorFacts(predictor.weights)] : null,
    ...networks,
  ]);
}

/** The facts, or the values of a tensor, in short, for records: SHA-256, 64 hexadecimal digits. */
export async function fingerprintOf(facts: string | Float32Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof facts === 'string' ? new TextEncoder().encode(facts) : facts;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function tensorFacts(weights: NamedTensors): Promise<object> {
  const tensors = [...weights.names()].map((name) => ({ name, shape: weights.shape(name) ?? [], dtype: weights.dtype(name) }));
  const elements = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);
  const smallest = [...tensors].sort((a, b) => elements(a.shape) - elements(b.shape)).slice(0, COMPARED_TENSORS);
  const values: number[][] = [];
  for (const { name } of smallest) values.push([...(await weights.readFloats(name))]);
  return { tensors, values };
}
