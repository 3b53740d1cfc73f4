import { readCommon } from '../../checkpoints/methods/common-config.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { INTERPOLANTS } from '../../spec/method-networks.js';
import { bridger } from '../../training/methods/bridger.js';
import { LOSSES_PROBE } from '../../training/plan/recorded-step.js';
import { cvaeCall } from './cvae-losses.js';
import type { LossFiles } from './loss-files.js';
import { type ComputedLoss, computeStep, type LossKind } from './loss-kind.js';

const CVAE_CALL = /^cvae_call_(\d+)$/;

/** BRIDGER: the losses of its three networks with each interpolant, and those of its prior's CVAE. */
export const BRIDGER_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  tensorTolerance: () => 2e-5,
  compute: (device, files, loss) => {
    const [, call] = CVAE_CALL.exec(loss) ?? [];
    if (call !== undefined) return cvaeCall(device, files, { folder: 'prior', drawn: 'cvae.eps', call: Number(call) });
    return networksLoss(device, files, loss);
  },
};

async function networksLoss(device: ComputeDevice, files: LossFiles, loss: string): Promise<ComputedLoss> {
  const interpolant = INTERPOLANTS.find((name) => name === loss);
  if (!interpolant) {
    throw new CheckpointError(
      `case "${files.name}": losses.json has a loss "${loss}", expected one of an interpolant (${INTERPOLANTS.join(', ')}) or of a CVAE's call.`,
    );
  }
  const { config, batchSize } = files;
  const { unet: shape } = readCommon(config);
  const method = bridger({
    shape,
    batchSize,
    interpolant,
    noiseScale: config.number('noise_scale', { fallback: 0.03, above: 0, below: 1e6 }),
    timeMin: config.number('time_min', { fallback: 0.001, above: 0, below: 0.5 }),
  });
  const batch = {
    count: batchSize,
    conditioning: await files.conditioning(),
    actions: await files.floats('action'),
    prior: await files.floats('prior'),
    noise: await files.floats('z'),
    times: Float64Array.from(await files.floats('t')),
  };
  const weights = await files.weights('network/model.safetensors');
  const { loss: total, probes, gradients } = await computeStep(device, method, weights, batch);
  const parts = probes.get(LOSSES_PROBE) as Float32Array;
  const part = (index: number): number =>
    parts.subarray(index * batchSize, (index + 1) * batchSize).reduce((sum, value) => sum + value, 0) / batchSize;
  return { values: { loss: total, b_loss: part(0), v_loss: part(1), s_loss: part(2) }, gradients };
}
