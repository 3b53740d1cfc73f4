import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { loadPictureNetworks } from '../../decision/networks.js';
import type { RawRows } from '../../spec/network-shapes.js';
import type { ObservationFeature } from '../../spec/policy-spec.js';
import type { FeatureNames } from './feature-names.js';
import type { FramePart } from './frames.js';
import { pictureFeatures } from './picture-features.js';
import type { PicturedCameras } from './pictures.js';
import type { TrainOptions } from './train-options.js';

/** What the encoder of a policy makes of pictures, in the order of its cameras. */
export interface FrozenEncoders {
  readonly parts: readonly FramePart[];
  destroy(): void;
}

/** The encoder of a policy that looks at pictures, on the device; undefined where it looks at none. */
export async function frozenEncoders(
  { device, dataset, signal }: TrainOptions,
  checkpoint: PolicyCheckpoint,
  names: FeatureNames,
): Promise<FrozenEncoders | undefined> {
  if (checkpoint.images === undefined) return undefined;
  const networks = await loadPictureNetworks(device, checkpoint, signal);
  const { parts, destroy } = pictureFeatures(networks.images, checkpoint, dataset, (name) => names.of(name));
  return {
    parts,
    destroy: () => {
      destroy();
      networks.destroy();
    },
  };
}

/** A frame of the policy's conditioning vector, of what the data set has: `pictures` are the features of its cameras. */
export function policyFrame({ observations }: PolicyCheckpoint, names: FeatureNames, pictures: readonly FramePart[]): FramePart[] {
  let camera = 0;
  return observations.map((observation): FramePart => {
    if (observation.kind === 'image') return pictures[camera++] as FramePart;
    return { name: names.of(observation.rawName), size: observation.size, normalizer: observation.normalizer };
  });
}

/** A policy with those of its observations alone that a network with an image encoder of its own reads. */
export function observedBy(checkpoint: PolicyCheckpoint, { cameras, vectors }: RawRows): PolicyCheckpoint {
  const read = new Set([...cameras, ...vectors]);
  return { ...checkpoint, observations: checkpoint.observations.filter(({ name }) => read.has(name)) };
}

/** What such a network reads of a data set: its vectors, in raw units, and its cameras. */
export function rawFrame(
  { observations }: PolicyCheckpoint,
  names: FeatureNames,
  { cameras, vectors, encoder }: RawRows,
): { readonly frame: FramePart[]; readonly cameras: PicturedCameras } {
  const observed = (name: string): ObservationFeature => {
    const found = observations.find((one) => one.name === name);
    if (!found) throw new TypeError(`the policy does not observe "${name}"`);
    return found;
  };
  return {
    frame: vectors.map(observed).map(({ rawName, size }) => ({ name: names.of(rawName), size, normalizer: undefined })),
    cameras: { names: cameras.map(observed).map(({ rawName }) => names.of(rawName)), frame: [encoder.height, encoder.width] },
  };
}
