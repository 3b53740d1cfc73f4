import { readCommon } from '../../checkpoints/methods/common-config.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { consistency, studentNetwork } from '../../training/methods/consistency.js';
import { type ConsistencyOptions, edmTeacher } from '../../training/methods/edm-teacher.js';
import { frozenNetwork } from '../../training/methods/method-training.js';
import { methodUnet } from '../../training/methods/unet-network.js';
import type { LossFiles } from './loss-files.js';
import { type ComputedLoss, computeStep, type LossKind, withNetworks } from './loss-kind.js';

/** What each of the student's losses counts. */
const SHARES: ReadonlyMap<string, { readonly ctm: number; readonly dsm: number }> = new Map([
  ['ctm', { ctm: 1, dsm: 0 }],
  ['dsm', { ctm: 0, dsm: 1 }],
  ['ctm+dsm', { ctm: 1, dsm: 1 }],
]);

/**
 * Consistency Policy: its teacher's loss, and the student's two, alone and together. The official code takes sines of arguments near ±1000 in
 * float32, where they have four digits; the engine's are those of float64. Losses and norms of modules hide it, norms of the smallest
 * tensors do not: with sines rounded as there, those of the teacher agree six times better (1.3e-6).
 */
export const CONSISTENCY_LOSSES: LossKind = {
  tolerance: (loss) => (loss.includes('ctm') ? 3e-5 : 8e-6),
  tensorTolerance: (loss) => (loss.includes('ctm') ? 1e-4 : 3e-5),
  compute: (device, files, loss) => {
    if (loss === 'teacher') return teacherLoss(device, files);
    const shares = SHARES.get(loss);
    if (!shares) throw new CheckpointError(`case "${files.name}": losses.json has a loss "${loss}", which is none of Consistency Policy.`);
    return studentLoss(device, files, shares);
  },
};

async function teacherLoss(device: ComputeDevice, files: LossFiles): Promise<ComputedLoss> {
  const { config, batchSize } = files;
  const method = edmTeacher({ shape: readCommon(config).unet, batchSize, levels: levelsOf(files) });
  const batch = {
    count: batchSize,
    conditioning: await files.conditioning(),
    actions: await files.floats('action'),
    noise: await files.floats('teacher.noise'),
    levels: Float64Array.from(await files.floats('teacher.level')),
  };
  const { loss, gradients } = await computeStep(device, method, await files.weights('train/teacher.safetensors'), batch);
  return { values: { loss }, gradients };
}

async function studentLoss(
  device: ComputeDevice,
  files: LossFiles,
  shares: { readonly ctm: number; readonly dsm: number },
): Promise<ComputedLoss> {
  const { config, batchSize } = files;
  const shape = readCommon(config).unet;
  const opening = {
    teacher: async () => frozenNetwork(device, methodUnet(shape), await files.weights('train/teacher.safetensors')),
    average: async () => frozenNetwork(device, studentNetwork(shape), await files.weights('train/ema.safetensors')),
  };
  return withNetworks(opening, async (networks) => {
    const method = consistency({ shape, batchSize, levels: levelsOf(files) }, networks);
    const batch = {
      count: batchSize,
      conditioning: await files.conditioning(),
      actions: await files.floats('action'),
      noise: await files.floats('ctm.noise'),
      from: await files.integers('ctm.t'),
      stop: await files.integers('ctm.s'),
      next: await files.integers('ctm.u'),
      levels: Float64Array.from(await files.floats('dsm.level')),
      denoisingNoise: await files.floats('dsm.noise'),
      shares,
    };
    const { loss, gradients } = await computeStep(device, method, await files.weights('network/model.safetensors'), batch);
    return { values: { loss }, gradients };
  });
}

function levelsOf({ config }: LossFiles): ConsistencyOptions['levels'] {
  const number = (key: string, fallback: number): number => config.number(key, { fallback, above: 0, below: 1e6 });
  return {
    sigmaMin: number('sigma_min', 0.02),
    sigmaMax: number('sigma_max', 80),
    sigmaData: number('sigma_data', 0.5),
    rho: number('rho', 7),
    bins: config.integer('n_bins', { fallback: 80, min: 2 }),
  };
}
