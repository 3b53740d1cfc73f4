import { readStateCvae } from '../../checkpoints/predictor/predictor-config.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { CvaeTraining } from '../../training/cvae/cvae-training.js';
import { klWeight } from '../../training/cvae/kl-weight.js';
import { LOSSES_PROBE } from '../../training/plan/recorded-step.js';
import type { LossFiles } from './loss-files.js';
import type { ComputedLoss, LossKind } from './loss-kind.js';

const CALL = /^call_(\d+)$/;

/** The CVAE of the STEP release, at several calls of its loss: κ grows with them. */
export const CVAE_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  tensorTolerance: () => 2e-5,
  compute: (device, files, loss) => {
    const [, call] = CALL.exec(loss) ?? [];
    if (call === undefined) throw new CheckpointError(`case "${files.name}": losses.json has a loss "${loss}", expected call_N of a CVAE.`);
    return cvaeCall(device, files, { folder: 'predictor', drawn: 'eps', call: Number(call) });
  },
};

/** The loss of a CVAE at a call, without dropout. `folder`: of its config.json and weights; `drawn`: the tensor of ε. */
export async function cvaeCall(
  device: ComputeDevice,
  files: LossFiles,
  { folder, drawn, call }: { readonly folder: string; readonly drawn: string; readonly call: number },
): Promise<ComputedLoss> {
  const shape = readStateCvae(await files.json(`${folder}/config.json`));
  const { batchSize } = files;
  const training = await CvaeTraining.create(device, { shape, batchSize, ema: false, probes: [LOSSES_PROBE] });
  try {
    const weights = await files.weights(`${folder}/model.safetensors`);
    training.write('weights', weights);
    const kappa = klWeight(shape, call);
    const batch = {
      count: batchSize,
      conditioning: await files.conditioning(),
      actions: await files.floats('action'),
      latent: await files.floats(drawn),
      klWeight: kappa,
      dropout: null,
    };
    const parts = (await training.runProbed(batch, null)).get(LOSSES_PROBE) as Float32Array;
    const mean = (first: number): number => parts.subarray(first, first + batchSize).reduce((sum, value) => sum + value, 0) / batchSize;
    const { loss } = await training.metrics();
    const values = { kappa, loss, reconstruction: mean(0), weighted_kl: mean(batchSize) };
    return { values, gradients: await training.read('gradients') };
  } finally {
    training.dispose();
  }
}
