import { readJsonObject } from '../../../checkpoints/json-object.js';
import { readCommon } from '../../../checkpoints/methods/common-config.js';
import { SafetensorsFile } from '../../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../../checkpoints/source.js';
import { levelOfBin } from '../../../diffusion/consistency.js';
import { CONSISTENCY_LEVELS } from '../../../diffusion/consistency-training.js';
import { CheckpointError } from '../../../foundation/errors.js';
import { shown } from '../../../foundation/shown.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import { type ConsistencyBatch, consistency } from '../../methods/consistency.js';
import { CONSISTENCY_DROPOUT, type EdmBatch, edmTeacher } from '../../methods/edm-teacher.js';
import { frozenNetwork, MethodTraining } from '../../methods/method-training.js';
import { methodUnet } from '../../methods/unet-network.js';
import { writeInitial } from '../initial-weights.js';
import { beginFresh } from './begin.js';
import type { MethodDraws, TrainableMethod } from './define.js';

/** Levels of the teacher's training, and of half of the student's: ln T normal. */
const LOG_MEAN = -1.2;
const LOG_DEVIATION = 1.2;
/** The other half: this share of the schedule, from its top. */
const UPPER_SHARE = 0.7;

/** Levels that a student of several steps goes through after the first, and the clamp of what it makes. */
const CHAINING_BINS = [27, 54];
const CLIP = 1;

const TEACHER_TYPE = 'consistency_teacher';

/** The teacher of a consistency policy. Its raw weights are distilled, so they are the result, without an average. */
export const CONSISTENCY_TEACHER: TrainableMethod = {
  preset: 'consistency',
  steps: 100_000,
  title: "a consistency policy's teacher",
  accepts: ['sizes', 'horizon', 'actionSteps', 'dropout'],
  open: async (context) => {
    const { shape, options, batchSize } = context;
    const { dropout = CONSISTENCY_DROPOUT } = options;
    const step = await beginFresh(context, edmTeacher({ shape, batchSize, levels: CONSISTENCY_LEVELS, drops: dropout > 0 }));
    return {
      step,
      batch: ({ count, conditioning, actions }, draws): EdmBatch => ({
        count,
        conditioning,
        actions,
        noise: draws.normals('methodNoise', actions.length),
        levels: logNormalLevels(draws, batchSize),
        dropout: draws.dropout(dropout),
      }),
      identity: { dropout },
      config: { type: TEACHER_TYPE, ...levelKeys() },
      destroy: () => {},
    };
  },
};

/** The student, which begins as its teacher: the embedding of where it stops has columns of zeros. */
export const CONSISTENCY: TrainableMethod = {
  preset: 'consistency',
  steps: 100_000,
  title: 'a consistency policy',
  strategy: { name: 'Consistency', steps: 1 },
  expected: ({ unet, observationSteps, actionSteps }) => ({
    ...{ type: 'consistency_policy', unet, observationSteps, actionSteps },
    ...CONSISTENCY_LEVELS,
    clip: CLIP,
    chainingBins: CHAINING_BINS,
  }),
  accepts: ['teacher', 'sizes', 'horizon', 'actionSteps', 'dropout'],
  open: async ({ device, shape, options, batchSize, ema, precision }) => {
    const { dropout = CONSISTENCY_DROPOUT } = options;
    const weights = await teacherWeights(options.teacher as CheckpointSource, shape);
    const teacher = await frozenNetwork(device, methodUnet(shape), weights);
    try {
      const method = consistency({ shape, batchSize, levels: CONSISTENCY_LEVELS, drops: dropout > 0 }, { teacher });
      const step = await MethodTraining.create(device, method, { ema, precision });
      writeInitial(step, studentWeights(weights, shape), ema);
      return {
        step,
        batch: ({ count, conditioning, actions }, draws): ConsistencyBatch => ({
          count,
          conditioning,
          actions,
          noise: draws.normals('methodNoise', actions.length),
          ...drawnJumps(draws, batchSize),
          levels: denoisingLevels(draws, batchSize),
          denoisingNoise: draws.normals('methodSecondNoise', actions.length),
          dropout: draws.dropout(dropout),
        }),
        identity: { dropout },
        config: { type: 'consistency_policy', time_embeddings: ['level', 'stop'], ...levelKeys(), chaining_bins: CHAINING_BINS },
        destroy: () => teacher.destroy(),
      };
    } catch (error) {
      teacher.destroy();
      throw error;
    }
  },
};

/** Bins t ~ U{0 … N − 1}, s ~ U{t … N}, u = min(u', t + 1) of u' ~ U{t … s} (ctm_policy.py). */
export function drawnJumps(draws: MethodDraws, count: number): Pick<ConsistencyBatch, 'from' | 'stop' | 'next'> {
  const { bins } = CONSISTENCY_LEVELS;
  const [first, second, third] = [0, 1, 2].map((part) => draws.uniforms('methodJumps', count, part)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const between = (least: number, most: number, share: number): number => least + Math.floor(share * (most - least + 1));
  const from = Int32Array.from(first, (share) => between(0, bins - 1, share));
  const stop = from.map((bin, i) => between(bin, bins, second[i] as number));
  const next = from.map((bin, i) => Math.min(bin + 1, between(bin, stop[i] as number, third[i] as number)));
  return { from, stop, next };
}

/** The first half of a batch, rounded up: levels of the upper part of the schedule; the other half: log-normal, not clamped. */
export function denoisingLevels(draws: MethodDraws, count: number): Float64Array {
  const upper = Math.ceil(count / 2);
  const { bins } = CONSISTENCY_LEVELS;
  const shares = draws.uniforms('methodLevels', upper, 1);
  const levels = logNormalLevels(draws, count);
  for (let i = 0; i < upper; i++) levels[i] = levelOfBin(CONSISTENCY_LEVELS, UPPER_SHARE * (shares[i] as number) * (bins - 1));
  return levels;
}

function logNormalLevels(draws: MethodDraws, count: number): Float64Array {
  return Float64Array.from(draws.normals('methodLevels', count), (value) => Math.exp(LOG_MEAN + LOG_DEVIATION * value));
}

function levelKeys(): Record<string, unknown> {
  const { sigmaMin, sigmaMax, sigmaData, rho, bins } = CONSISTENCY_LEVELS;
  return {
    sigma_min: sigmaMin,
    sigma_max: sigmaMax,
    sigma_data: sigmaData,
    rho,
    n_bins: bins,
    scaling: 'boundary',
    clip_range: CLIP,
  };
}

/** A teacher's weights with e columns of zeros in every FiLM projection, behind those of the level. */
export function studentWeights(
  teacher: ReadonlyMap<string, Float32Array>,
  { stepEmbedDim, conditioningDim }: UnetShape,
): Map<string, Float32Array> {
  const [narrow, wide] = [stepEmbedDim + conditioningDim, 2 * stepEmbedDim + conditioningDim];
  return new Map(
    [...teacher].map(([name, values]) => {
      if (!name.endsWith('cond_encoder.1.weight')) return [name, values];
      const rows = values.length / narrow;
      const widened = new Float32Array(rows * wide);
      for (let row = 0; row < rows; row++) {
        widened.set(values.subarray(row * narrow, row * narrow + stepEmbedDim), row * wide);
        widened.set(values.subarray(row * narrow + stepEmbedDim, (row + 1) * narrow), row * wide + 2 * stepEmbedDim);
      }
      return [name, widened];
    }),
  );
}

/** Reads a teacher's folder, which must be of the sizes of the student; closes it. */
async function teacherWeights(source: CheckpointSource, shape: UnetShape): Promise<ReadonlyMap<string, Float32Array>> {
  try {
    const config = await readJsonObject(await source.open('config.json'));
    const type = config.has('type') ? config.value('type') : undefined;
    if (type !== TEACHER_TYPE) {
      throw new CheckpointError(
        `${config.where}: expected "type" "${TEACHER_TYPE}", found ${shown(type)}. Give the folder that consistency-teacher was trained into.`,
      );
    }
    const found = readCommon(config).unet;
    for (const key of Object.keys(found) as (keyof UnetShape)[]) {
      if (JSON.stringify(found[key]) === JSON.stringify(shape[key])) continue;
      throw new CheckpointError(
        `${config.where}: expected a teacher whose ${key} is that of the policy, ${shown(shape[key])}, found ${shown(found[key])}. Train teacher and ` +
          'student with one policy and the same sizes.',
      );
    }
    const model = await SafetensorsFile.open(await source.open('model.safetensors'));
    const tensors = new Map<string, Float32Array>();
    for (const { name } of methodUnet(shape).parameters) tensors.set(name, (await model.readFloats(name)).slice());
    return tensors;
  } finally {
    await source.close();
  }
}
