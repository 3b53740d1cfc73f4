import { type ConsistencyLevels, embeddedLevel } from '../../diffusion/consistency.js';
import { huberDelta, karrasWeight, scalingsOf } from '../../diffusion/consistency-training.js';
import { sinusoids } from '../../networks/unet/timestep-table.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordDrawMasks } from '../../ops/backward/dropout.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { newRows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { PredictorDropout } from '../training-step.js';
import { unetDropoutSites } from '../unet/dropout.js';
import { recordUnetBackward, recordUnetForward } from '../unet/record.js';
import { type ChunkBatch, checkChunks, checkLevels, counted } from './chunk-batch.js';
import type { Method } from './method.js';
import { methodUnet } from './unet-network.js';

/** A batch of a consistency policy's teacher. */
export interface EdmBatch extends ChunkBatch {
  /** B noise levels T. */
  readonly levels: Float64Array;
  /** Of a method that drops. Default: nothing is dropped. */
  readonly dropout?: PredictorDropout | null;
}

export interface ConsistencyOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  readonly levels: ConsistencyLevels;
  /** Whether residual blocks drop: all of the student, those in the middle of the teacher. Default: none. */
  readonly drops?: boolean;
}

/** Probability of dropout in the release (`dropout_rate` of its student; its middle blocks have no other, in the teacher either). */
export const CONSISTENCY_DROPOUT = 0.2;

/** The one pass of the teacher's training. */
const PASS = 'network';

/** What the network embeds of a level, by sines of float64: its argument comes near 1000. */
export function levelSinusoids(level: number, dim: number): Float32Array {
  return sinusoids([embeddedLevel(level)], dim, false);
}

type Part = 'conditioning' | 'sinusoids' | 'actions' | 'noise' | 'scaled' | 'denoised' | 'out' | 'weights';

/**
 * The teacher of a consistency policy, a denoiser over continuous levels: mean of w(T) · hub(D(a + Tε, T), a) with Karras' scalings and
 * weights (ctm_policy's EDM teacher). The release drops in its middle blocks.
 */
export function edmTeacher({ shape, batchSize, levels, drops = false }: ConsistencyOptions): Method<EdmBatch, Part> {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const chunk = [batchSize, horizon, actionDim] as const;
  return {
    network: methodUnet(shape),
    batchSize,
    lossCount: batchSize,
    dropout: drops ? { sites: unetDropoutSites(shape, batchSize, PASS, 'middle'), of: ({ dropout = null }) => dropout } : undefined,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      sinusoids: { rows: [batchSize, 1, stepEmbedDim] },
      actions: { rows: chunk },
      noise: { rows: chunk },
      scaled: { values: batchSize * 2 },
      denoised: { values: batchSize * 3 },
      out: { values: batchSize },
      weights: { values: batchSize * horizon },
    },
    pack: (batch, parts) => {
      const { count } = batch;
      checkChunks(batch, shape, batchSize, ['actions', 'noise']);
      checkLevels('levels', batch.levels, count, batchSize);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      parts.write('actions', counted(batch.actions, count, horizon * actionDim));
      parts.write('noise', counted(batch.noise, count, horizon * actionDim));
      for (let b = 0; b < count; b++) {
        const level = batch.levels[b] as number;
        const { skip, out, in: scale } = scalingsOf(levels, level);
        parts.write('sinusoids', levelSinusoids(level, stepEmbedDim), b);
        parts.values('scaled').set([scale, scale * level], 2 * b);
        parts.values('denoised').set([skip, skip * level, out], 3 * b);
        parts.values('out')[b] = out;
        parts.values('weights').fill(karrasWeight(levels, level), b * horizon, (b + 1) * horizon);
      }
      return 1 / (count * horizon * actionDim);
    },
    record: (recorder) => {
      const { builder, losses, step, dropout: plan } = recorder;
      const [actions, noise] = [recorder.rows('actions'), recorder.rows('noise')];
      builder.segment('forward');
      if (plan) recordDrawMasks(builder, plan);
      const sample = newRows(builder, 'scaled sample', ...chunk);
      recordCombine(builder, { operands: [actions, noise], coefficients: recorder.values('scaled'), y: sample });
      const tape = recordUnetForward(recorder, shape, {
        sample,
        sinusoids: recorder.rows('sinusoids'),
        conditioning: recorder.rows('conditioning'),
        dropout: plan && { plan, pass: PASS },
      });
      const denoised = newRows(builder, 'denoised', ...chunk);
      recordCombine(builder, { operands: [actions, noise, tape.output], coefficients: recorder.values('denoised'), y: denoised });
      builder.segment('backward');
      const ddenoised = newRows(builder, 'denoised gradients', ...chunk);
      const delta = huberDelta(horizon, actionDim);
      const weights = recorder.values('weights');
      recordRowLoss(builder, { kind: 'huber', delta, y: denoised, target: actions, weights, dy: ddenoised, losses, step });
      const doutput = newRows(builder, 'output gradients', ...chunk);
      recordCombine(builder, { operands: [ddenoised], coefficients: recorder.values('out'), y: doutput });
      recordUnetBackward(recorder, tape, doutput);
    },
  };
}
