import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { alignUp } from '../../runtime/buffers.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { NoiseScheduleOptions } from '../../spec/noise-schedule.js';
import type { TrainedPrediction } from '../unet/batch.js';
import type { BatchParts } from './batch-parts.js';
import { type ChunkBatch, checkChunks, checkIntegers, counted } from './chunk-batch.js';
import type { Method, MethodRecorder, NetworkParameters } from './method.js';

/** A batch of chunks whose rows have a noise level each. */
export interface SlotBatch extends ChunkBatch {
  /** B × H: the noise level of every row, each 0 … N−1. */
  readonly levels: Int32Array;
}

export interface SlotOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  /** Noise levels that rows are at. */
  readonly schedule: NoiseScheduleOptions;
  readonly predictionType: TrainedPrediction;
}

export type SlotPart = 'conditioning' | 'sinusoids' | 'actions' | 'noise' | 'coefficients' | 'weights';

/** What a method does of its own with noisy rows. */
interface SlotNetwork {
  readonly network: NetworkParameters;
  /** Rows of sinusoids that a sample has, with those of how many levels side by side in each. */
  readonly sinusoids: readonly [rows: number, joined: number];
  /** Records the forward pass over a noisy sample; returns its output, and how the gradient of that goes back. */
  readonly forward: (
    recorder: MethodRecorder<SlotPart>,
    sample: Rows,
  ) => { readonly output: Rows; readonly backward: (doutput: Rows) => void };
}

/** The loss of a network whose rows have a noise level each: the mean square over all of them, drawn levels and noise being part of the batch. */
export function slotDiffusion(
  { shape, batchSize, schedule, predictionType }: SlotOptions,
  { network, sinusoids: [rows, joined], forward }: SlotNetwork,
): Method<SlotBatch, SlotPart> {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const alphas = alphasCumprod(schedule, 'pytorch');
  const table = sinusoidalEmbedding(alphas.length, stepEmbedDim);
  const chunk = [batchSize, horizon, actionDim] as const;
  const stride = alignUp(joined * stepEmbedDim, 4);
  return {
    network,
    batchSize,
    lossCount: batchSize,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      sinusoids: { rows: [batchSize, rows, joined * stepEmbedDim] },
      actions: { rows: chunk },
      noise: { rows: chunk },
      coefficients: { values: batchSize * horizon * 2 },
      weights: { values: batchSize * horizon },
    },
    pack: (batch, parts: BatchParts<SlotPart>) => {
      const { count, levels } = batch;
      checkChunks(batch, shape, batchSize, ['actions', 'noise']);
      checkIntegers('levels', levels, horizon, [0, alphas.length - 1], [count, batchSize]);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      parts.write('actions', counted(batch.actions, count, horizon * actionDim));
      parts.write('noise', counted(batch.noise, count, horizon * actionDim));
      const [sinusoids, coefficients] = [parts.values('sinusoids'), parts.values('coefficients')];
      for (let row = 0; row < count * horizon; row++) {
        const level = levels[row] as number;
        // Rows of sinusoids are padded to a multiple of four.
        const place = Math.floor(row / joined) * stride + (row % joined) * stepEmbedDim;
        sinusoids.set(table.subarray(level * stepEmbedDim, (level + 1) * stepEmbedDim), place);
        const alpha = alphas[level] as number;
        coefficients[2 * row] = Math.sqrt(alpha);
        coefficients[2 * row + 1] = Math.sqrt(1 - alpha);
      }
      parts.values('weights').fill(1, 0, count * horizon);
      return 1 / (count * horizon * actionDim);
    },
    record: (recorder) => {
      const { builder, losses, step } = recorder;
      builder.segment('forward');
      const sample = newRows(builder, 'noisy sample', ...chunk);
      const [actions, noise] = [recorder.rows('actions'), recorder.rows('noise')];
      recordCombine(builder, { operands: [actions, noise], coefficients: recorder.values('coefficients'), perRow: true, y: sample });
      probeRows(builder, 'noisy', sample);
      const { output, backward } = forward(recorder, sample);
      builder.segment('backward');
      const dy = newRows(builder, 'output gradients', ...chunk);
      const target = predictionType === 'epsilon' ? noise : actions;
      recordRowLoss(builder, { kind: 'square', y: output, target, weights: recorder.values('weights'), dy, losses, step });
      backward(dy);
    },
  };
}
