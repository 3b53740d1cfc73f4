import { OptionError } from '../../../foundation/errors.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import { type StreamingBatch, streamingDiffusion } from '../../methods/streaming-diffusion.js';
import type { TrainedPrediction } from '../../unet/batch.js';
import { beginFresh } from './begin.js';
import { scheduleKeys } from './config.js';
import type { MethodDraws, TrainableMethod } from './define.js';

/** Probability of one level for all rows of a batch; otherwise levels rise from chunk to chunk. */
const CONSTANT_SHARE = 0.2;

/** How the rows of a buffer form chunks of what is executed, and how many levels of noise there are. */
export interface StreamingRows {
  readonly horizon: number;
  readonly observationSteps: number;
  readonly actionSteps: number;
  readonly levels: number;
}

/** Streaming diffusion: levels of a batch as the release mixes them (tedi_unet_lowdim_policy.py). */
export const STREAMING: TrainableMethod = {
  preset: 'diffusion-policy',
  steps: 100_000,
  title: 'streaming diffusion',
  accepts: ['sizes', 'horizon', 'actionSteps'],
  open: async (context) => {
    const { checkpoint, shape, actionSteps, batchSize } = context;
    const { scheduler, observationSteps } = checkpoint;
    const predictionType = scheduler.predictionType as TrainedPrediction;
    const rows = { horizon: shape.horizon, observationSteps, actionSteps, levels: scheduler.numTrainTimesteps };
    checkRows(rows, shape);
    const step = await beginFresh(context, streamingDiffusion({ shape, batchSize, schedule: scheduler, predictionType }));
    return {
      step,
      batch: ({ count, conditioning, actions }, draws): StreamingBatch => ({
        count,
        conditioning,
        actions,
        noise: draws.normals('methodNoise', actions.length),
        levels: drawnLevels(rows, batchSize, draws),
      }),
      config: {
        type: 'streaming_diffusion',
        time_embeddings: 'slots_concatenated',
        ...scheduleKeys(scheduler),
        prediction_type: predictionType,
        clip_sample: scheduler.clipSample,
        clip_sample_range: scheduler.clipSampleRange,
        variance_type: 'fixed_small',
        buffer_init: 'zero',
      },
      destroy: () => {},
    };
  },
};

function drawnLevels(rows: StreamingRows, batchSize: number, draws: MethodDraws): Int32Array {
  const { horizon, levels } = rows;
  const isConstant = (draws.uniforms('methodRegime', 1)[0] as number) < CONSTANT_SHARE;
  const drawn = draws.integers('methodLevels', batchSize, isConstant ? levels : Math.floor(levels / chunkCount(rows)));
  const target = chunkLevels(rows);
  return Int32Array.from({ length: batchSize * horizon }, (_, i) => {
    const own = drawn[Math.floor(i / horizon)] as number;
    return isConstant ? own : (target[i % horizon] as number) - own;
  });
}

/** Complete chunks of a buffer. */
function chunkCount({ horizon, observationSteps, actionSteps }: StreamingRows): number {
  return Math.floor((horizon - (observationSteps - 1)) / actionSteps);
}

/** The level of each row at the beginning of a decision, ⌊N (c + 1) / C⌋ − 1 of chunk c; an incomplete tail belongs to the last one. */
export function chunkLevels(rows: StreamingRows): number[] {
  const { horizon, observationSteps, actionSteps, levels } = rows;
  const chunks = chunkCount(rows);
  return Array.from({ length: horizon }, (_, row) => {
    const chunk = row < observationSteps ? 0 : Math.min(chunks - 1, Math.floor((row - (observationSteps - 1)) / actionSteps));
    return Math.floor((levels * (chunk + 1)) / chunks) - 1;
  });
}

function checkRows(rows: StreamingRows, { downDims }: UnetShape): void {
  const { horizon, observationSteps, actionSteps } = rows;
  if (chunkCount(rows) >= 1) return;
  throw new OptionError(
    `streaming diffusion: expected a horizon of at least ${observationSteps - 1 + actionSteps}, ${observationSteps - 1} past rows and one chunk of ` +
      `${actionSteps}, and a multiple of ${2 ** (downDims.length - 1)}, found ${horizon}: give another horizon or fewer actionSteps.`,
  );
}
