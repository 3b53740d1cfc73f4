import type { CheckpointSource } from '../../checkpoints/source.js';
import type { PictureData } from '../../datasets/dataset.js';
import { readAround } from '../../datasets/window-batch.js';
import { loadPolicy } from '../../policy/load-policy.js';
import type { Policy } from '../../policy/policy.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { ObservationFeature } from '../../spec/policy-spec.js';
import type { ChunkSample } from './chunk-sample.js';
import { rowsOf } from './frames.js';
import type { ChunkWindows } from './unet-batches.js';

/** Steps of the sampler: few enough to be quick, enough to be the policy's own distribution. */
const DDIM_STEPS = 10;
const SAMPLES = 6;

/** Open loop: what the policy decides where the demonstrations were. */
export interface ChunkError {
  /** Mean square over the rows that were recorded, normalised. A policy of several ways to go is not 0 here, however good it is. */
  readonly error: number;
  readonly samples: readonly ChunkSample[];
}

/** An observation as a policy is handed it, and what the data set calls it. */
export type StoredObservation = Pick<ObservationFeature, 'name' | 'kind' | 'size'> & { readonly stored: string };

/** A policy that samples by DDIM in few steps. */
export function openForChunks(device: ComputeDevice, source: CheckpointSource): Promise<Policy> {
  return loadPolicy(source, { device, strategy: { name: 'DDIM', steps: DDIM_STEPS } });
}

/** Opens what was trained as any program would, decides at the anchors, each with noise of its own, and compares with the demonstrations. */
export async function evaluateChunks(
  open: () => Promise<Policy>,
  spec: ChunkWindows,
  observations: readonly StoredObservation[],
  anchors: Int32Array,
): Promise<ChunkError> {
  const { dataset, action, horizon, observationSteps } = spec;
  const first = 1 - observationSteps;
  const target = await readAround(dataset, action.name, anchors, first, horizon, action.normalizer);
  const observed: [string, number, Float32Array][] = [];
  for (const { name, kind, size, stored } of observations) {
    if (kind === 'image') continue;
    const { values } = await readAround(dataset, stored, anchors, first, observationSteps);
    observed.push([name, size * observationSteps, values]);
  }
  const cameras = observations.filter(({ kind }) => kind === 'image');
  const rows = rowsOf(dataset, anchors, first, observationSteps);
  const pictured: Record<string, PictureData[]>[] = [];
  for (let i = 0; i < anchors.length; i++) {
    const pictures: Record<string, PictureData[]> = {};
    for (const { name, stored } of cameras) {
      const own = Array.from(rows.subarray(i * observationSteps, (i + 1) * observationSteps));
      pictures[name] = await Promise.all(own.map((row) => dataset.readPicture(stored, row)));
    }
    pictured.push(pictures);
  }
  const policy = await open();
  try {
    const decisions = await policy.decideAll(
      Array.from(anchors, (anchor, i) => ({
        window: {
          ...Object.fromEntries(observed.map(([name, size, values]) => [name, values.subarray(i * size, (i + 1) * size)])),
          ...pictured[i],
        },
        previous: [],
        seed: anchor,
      })),
    );
    const size = horizon * action.size;
    let sum = 0;
    let count = 0;
    const samples = decisions.map(({ normalizedChunk }, i): ChunkSample => {
      const demonstrated = target.values.subarray(i * size, (i + 1) * size);
      for (let k = 0; k < size; k++) {
        if (target.isPad[i * horizon + Math.floor(k / action.size)] !== 0) continue;
        sum += ((normalizedChunk[k] as number) - (demonstrated[k] as number)) ** 2;
        count++;
      }
      return { rows: horizon, actionDim: action.size, target: Array.from(demonstrated), predicted: Array.from(normalizedChunk) };
    });
    const every = Math.max(1, Math.floor(samples.length / SAMPLES));
    return { error: sum / count, samples: samples.filter((_, i) => i % every === 0).slice(0, SAMPLES) };
  } finally {
    await policy.dispose();
  }
}
