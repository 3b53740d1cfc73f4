import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { alignUp } from '../../runtime/buffers.js';
import { newRows, probeRows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { NoiseScheduleOptions } from '../../spec/noise-schedule.js';
import type { TrainedPrediction } from '../unet/batch.js';
import { recordUnetBackward, recordUnetForward } from '../unet/record.js';
import { type ChunkBatch, checkChunks, checkIntegers, counted } from './chunk-batch.js';
import type { Method } from './method.js';
import { methodUnet, slotLevels } from './unet-network.js';

/** A batch of streaming diffusion. */
export interface StreamingBatch extends ChunkBatch {
  /** B × H: the noise level of every row, each 0 … N−1. */
  readonly levels: Int32Array;
}

export interface StreamingOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  /** Noise levels that rows are at. */
  readonly schedule: NoiseScheduleOptions;
  readonly predictionType: TrainedPrediction;
}

type Part = 'conditioning' | 'sinusoids' | 'actions' | 'noise' | 'coefficients' | 'weights';

/**
 * Streaming Diffusion Policy: every row of a chunk has a noise level of its own, whose sinusoids lie side by side in front of the encoder of
 * levels; the loss is the mean square over all rows, those of the past and of the incomplete tail included
 * (tedi_unet_lowdim_policy.py).
 */
export function streamingDiffusion({ shape, batchSize, schedule, predictionType }: StreamingOptions): Method<StreamingBatch, Part> {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const alphas = alphasCumprod(schedule, 'pytorch');
  const table = sinusoidalEmbedding(alphas.length, stepEmbedDim);
  const chunk = [batchSize, horizon, actionDim] as const;
  return {
    network: methodUnet({ ...shape, levels: slotLevels(horizon) }),
    batchSize,
    lossCount: batchSize,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      sinusoids: { rows: [batchSize, 1, horizon * stepEmbedDim] },
      actions: { rows: chunk },
      noise: { rows: chunk },
      coefficients: { values: batchSize * horizon * 2 },
      weights: { values: batchSize * horizon },
    },
    pack: (batch, parts) => {
      const { count, levels } = batch;
      checkChunks(batch, shape, batchSize, ['actions', 'noise']);
      checkIntegers('levels', levels, horizon, [0, alphas.length - 1], [count, batchSize]);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      parts.write('actions', counted(batch.actions, count, horizon * actionDim));
      parts.write('noise', counted(batch.noise, count, horizon * actionDim));
      const [sinusoids, coefficients] = [parts.values('sinusoids'), parts.values('coefficients')];
      for (let row = 0; row < count * horizon; row++) {
        const level = levels[row] as number;
        sinusoids.set(table.subarray(level * stepEmbedDim, (level + 1) * stepEmbedDim), sinusoidOffset(row, shape));
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
      const tape = recordUnetForward(recorder, shape, {
        sample,
        sinusoids: recorder.rows('sinusoids'),
        conditioning: recorder.rows('conditioning'),
      });
      builder.segment('backward');
      const dy = newRows(builder, 'output gradients', ...chunk);
      const target = predictionType === 'epsilon' ? noise : actions;
      recordRowLoss(builder, { kind: 'square', y: tape.output, target, weights: recorder.values('weights'), dy, losses, step });
      recordUnetBackward(recorder, tape, dy);
    },
  };
}

/** Where the sinusoids of a row of a chunk begin; those of a sample are padded to a multiple of four. */
function sinusoidOffset(row: number, shape: UnetShape): number {
  const { horizon, stepEmbedDim } = shape;
  const stride = alignUp(horizon * stepEmbedDim, 4);
  return Math.floor(row / horizon) * stride + (row % horizon) * stepEmbedDim;
}
