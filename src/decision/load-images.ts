import type { PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import type { CheckPictures } from '../observations/gather-frames.js';
import { checkPictures } from '../observations/picture.js';
import type { WeightLoader, WeightSource } from '../ops/weight-source.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import { encodePlans } from './encode-plan.js';
import { FrameEncoder } from './frame-encoder.js';
import type { EncodePlans } from './frames-plan.js';
import { type ImageNetworks, policyEncoder, startEncoder } from './picture-networks.js';
import type { StartRows } from './start-rows.js';

/** The networks of a policy's images on a device, and how their plans are made. */
export interface LoadedImages extends ImageNetworks {
  /** How what is observed of them is checked. */
  readonly checkPictures: CheckPictures;
  /** `probes`: inner values to hand out, of those that the policy was loaded with. */
  encodePlans(probes: readonly string[]): EncodePlans;
  /** What makes features of pictures by such plans. `rows`: of a start that reads some. */
  frameEncoder(plans: EncodePlans, observations: readonly ObservationInfo[], rows: StartRows | undefined): FrameEncoder;
}

/**
 * Brings what reads images to the device. Nothing else imports this file but by `import()`, so that programs without images need not carry
 * it. `firstCamera`: that whose features come first in the rows of a start.
 */
export async function loadImages(
  device: ComputeDevice,
  policy: PolicyCheckpoint,
  start: StartCheckpoint | undefined,
  firstCamera: number,
  loaderFor: (source: WeightSource) => WeightLoader,
): Promise<LoadedImages | undefined> {
  const encoder = await policyEncoder(policy, loaderFor);
  if (!encoder) return undefined;
  const cameras = policy.observations.filter(({ kind }) => kind === 'image').length;
  const own = start && (await startEncoder(start, cameras, firstCamera, loaderFor));
  const images = { cameras, networks: own ? [encoder, own] : [encoder] };
  return {
    ...images,
    checkPictures,
    encodePlans: (probes) => encodePlans(device, images, probes),
    frameEncoder: (plans, observations, rows) => new FrameEncoder(plans, observations, rows),
  };
}
