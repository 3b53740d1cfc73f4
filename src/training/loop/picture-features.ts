import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset } from '../../datasets/dataset.js';
import { encodePlans } from '../../decision/encode-plan.js';
import { FrameEncoder } from '../../decision/frame-encoder.js';
import type { PolicyNetworks } from '../../decision/networks.js';
import { checkFrame, type Frame, imageColumns, type Observation } from '../../observations/check.js';
import { observationInfo } from '../../spec/policy-spec.js';
import type { FrameFeatures } from './frames.js';

/** Frames whose pictures are in memory at a time. */
const TOGETHER = 32;

/**
 * Features that the encoder of a policy, which does not change, makes of the pictures of a data set: one part for each camera, in the order
 * of the policy. Each frame is encoded once, when a window reads it for the first time; what is kept are its features.
 * `nameOf`: what the data set calls an observation of the policy.
 */
export function pictureFeatures(
  networks: PolicyNetworks,
  checkpoint: PolicyCheckpoint,
  dataset: Dataset,
  nameOf: (observation: string) => string,
): { readonly parts: readonly FrameFeatures[]; destroy(): void } {
  const observations = observationInfo(checkpoint.observations);
  const cameras = observations.filter((observation) => observation.kind === 'image');
  const columns = imageColumns(observations);
  const encoder = new FrameEncoder(encodePlans(networks, []), observations);
  const known = new Map<number, readonly Float32Array[]>();
  const empty: Observation = Object.fromEntries(
    observations.flatMap((observation) => (observation.kind === 'vector' ? [[observation.name, new Float32Array(observation.size)]] : [])),
  );

  async function encode(rows: readonly number[]): Promise<void> {
    const frames: Frame[] = [];
    for (const row of rows) {
      const pictures = await Promise.all(cameras.map(async ({ name }) => [name, await dataset.readPicture(nameOf(name), row)] as const));
      frames.push(checkFrame(observations, { ...empty, ...Object.fromEntries(pictures) }, `row ${row} of ${dataset.name}`));
    }
    const { windows } = await encoder.encode(frames.map((frame) => [frame]));
    windows.forEach(({ frames: values }, i) => {
      const features = cameras.map((camera, at) => values.slice(columns[at] as number, (columns[at] as number) + camera.features));
      known.set(rows[i] as number, features);
    });
  }

  const parts = cameras.map(
    (camera, at): FrameFeatures => ({
      size: camera.features,
      read: async (rows) => {
        const missing = [...new Set(rows)].filter((row) => !known.has(row)).sort((a, b) => a - b);
        for (let first = 0; first < missing.length; first += TOGETHER) await encode(missing.slice(first, first + TOGETHER));
        const values = new Float32Array(rows.length * camera.features);
        rows.forEach((row, i) => values.set(known.get(row)?.[at] as Float32Array, i * camera.features));
        return values;
      },
    }),
  );
  return { parts, destroy: () => encoder.destroy() };
}
