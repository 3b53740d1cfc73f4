import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset } from '../../datasets/dataset.js';
import { FrameEncoder } from '../../decision/frame-encoder.js';
import type { LoadedImages } from '../../decision/load-images.js';
import { checkFrame } from '../../observations/check.js';
import { type Frame, imageColumns, type Observation } from '../../observations/frame.js';
import { observationInfo } from '../../spec/policy-spec.js';
import { EncodedRows, type RowFeatures } from './encoded-rows.js';
import type { FrameFeatures } from './frames.js';

/**
 * Features that the encoder of a policy, which does not change, makes of the pictures of a data set: one part for each camera, in the order
 * of the policy. Each frame is encoded once, when a window reads it for the first time; what is kept are its features.
 * `nameOf`: what the data set calls an observation of the policy.
 */
export function pictureFeatures(
  images: Pick<LoadedImages, 'encodePlans'>,
  checkpoint: PolicyCheckpoint,
  dataset: Dataset,
  nameOf: (observation: string) => string,
): { readonly parts: readonly FrameFeatures[]; destroy(): void } {
  const observations = observationInfo(checkpoint.observations);
  const cameras = observations.filter((observation) => observation.kind === 'image');
  const columns = imageColumns(observations);
  const encoder = new FrameEncoder(images.encodePlans([]), observations);
  const empty: Observation = Object.fromEntries(
    observations.flatMap((observation) => (observation.kind === 'vector' ? [[observation.name, new Float32Array(observation.size)]] : [])),
  );

  async function encode(rows: readonly number[]): Promise<RowFeatures[]> {
    const frames: Frame[] = [];
    for (const row of rows) {
      const pictures = await Promise.all(cameras.map(async ({ name }) => [name, await dataset.readPicture(nameOf(name), row)] as const));
      frames.push(checkFrame(observations, { ...empty, ...Object.fromEntries(pictures) }, `row ${row} of ${dataset.name}`));
    }
    const { windows } = await encoder.encode(frames.map((frame) => [frame]));
    return windows.map(({ frames: values }) =>
      cameras.map((camera, at) => values.slice(columns[at] as number, (columns[at] as number) + camera.features)),
    );
  }

  const encoded = new EncodedRows(encode);
  const parts = cameras.map(
    (camera, at): FrameFeatures => ({
      size: camera.features,
      read: async (rows) => {
        const values = new Float32Array(rows.length * camera.features);
        (await encoded.read(rows)).forEach((features, i) => values.set(features[at] as Float32Array, i * camera.features));
        return values;
      },
    }),
  );
  return { parts, destroy: () => encoder.destroy() };
}
