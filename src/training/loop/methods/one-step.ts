import { unetTensorShapes } from '../../../checkpoints/lerobot/unet-tensors.js';
import type { PolicyCheckpoint } from '../../../checkpoints/types.js';
import { UnsupportedCheckpointError } from '../../../foundation/errors.js';
import type { ComputeDevice } from '../../../runtime/device.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import { frozenNetwork, MethodTraining } from '../../methods/method-training.js';
import { type OneStepBatch, type OneStepOptions, oneStepGenerator } from '../../methods/one-step.js';
import { OneStepTraining, SCORE } from '../../methods/one-step-training.js';
import { methodUnet } from '../../methods/unet-network.js';
import type { ParameterStore } from '../../plan/parameter-store.js';
import type { TrainingPrecision, TrainingStep } from '../../training-step.js';
import { writeInitial } from '../initial-weights.js';
import { scheduleKeys } from './config.js';
import type { TrainableMethod } from './define.js';

/** Of the noise levels: what the generator is told, and the least and largest that its actions are noised to (65 and 2 … 95 of 100). */
const INIT_SHARE = 0.65;
const NOISED_SHARES = [0.02, 0.95] as const;
const PREDICTION = 'epsilon';
/** Of what the generator makes. */
const CLIP = 1;

/** OneDP: the policy that it is for is its teacher, and what generator and score network begin as. */
export const ONE_STEP: TrainableMethod = {
  preset: 'onedp',
  steps: 20_000,
  title: 'OneDP',
  strategy: { name: 'OneDP' },
  expected: ({ unet, observationSteps, actionSteps, scheduler }, { variant = 'stochastic' }) => ({
    ...{ type: 'onedp', unet, observationSteps, actionSteps, variant },
    noiseSchedule: scheduler,
    predictionType: PREDICTION,
    timestep: initTimestepOf(scheduler.numTrainTimesteps),
    clip: CLIP,
  }),
  accepts: ['variant'],
  open: async ({ device, checkpoint, shape, options, batchSize, ema, precision }) => {
    const { scheduler } = checkpoint;
    const { variant = 'stochastic' } = options;
    if (scheduler.predictionType !== PREDICTION) {
      throw new UnsupportedCheckpointError(
        `onedp: the policy "${checkpoint.name}" predicts "${scheduler.predictionType}": a teacher has to predict noise ("epsilon").`,
      );
    }
    const levels = scheduler.numTrainTimesteps;
    const initTimestep = initTimestepOf(levels);
    const [least, most] = NOISED_SHARES.map((share) => Math.floor(share * levels)) as [number, number];
    const method: OneStepOptions = { shape, batchSize, schedule: scheduler, initTimestep };
    const weights = await policyWeights(checkpoint, shape);
    const teacher = await frozenNetwork(device, methodUnet(shape), weights);
    try {
      const step = await compile(device, method, { teacher, isStochastic: variant === 'stochastic', ema, precision });
      const initial = new Map(step.parameters.map(({ name }) => [name, weights.get(name.replace(SCORE, '')) as Float32Array]));
      writeInitial(step, initial, ema);
      return {
        step,
        batch: ({ count, conditioning, actions }, draws): OneStepBatch => ({
          count,
          conditioning,
          start: variant === 'stochastic' ? draws.normals('methodSecondNoise', actions.length) : new Float32Array(actions.length),
          noise: draws.normals('methodNoise', actions.length),
          timesteps: draws.integers('methodLevels', batchSize, most - least + 1).map((level) => least + level),
        }),
        config: {
          type: 'onedp',
          variant,
          ...scheduleKeys(scheduler),
          prediction_type: PREDICTION,
          init_timestep: initTimestep,
          clip_range: CLIP,
        },
        isResult: (name) => !name.startsWith(SCORE),
        destroy: () => teacher.destroy(),
      };
    } catch (error) {
      teacher.destroy();
      throw error;
    }
  },
};

const initTimestepOf = (levels: number): number => Math.round(INIT_SHARE * levels);

async function compile(
  device: ComputeDevice,
  method: OneStepOptions,
  {
    teacher,
    isStochastic,
    ...how
  }: { readonly teacher: ParameterStore; readonly isStochastic: boolean; readonly ema: boolean; readonly precision: TrainingPrecision },
): Promise<TrainingStep<never>> {
  if (!isStochastic) return MethodTraining.create(device, oneStepGenerator(method, { teacher }), how);
  return OneStepTraining.create(device, method, teacher, how);
}

/** The weights of a policy's U-Net under the names of a method's. */
async function policyWeights({ weights }: PolicyCheckpoint, shape: UnetShape): Promise<ReadonlyMap<string, Float32Array>> {
  const { naming } = methodUnet(shape);
  const tensors = new Map<string, Float32Array>();
  for (const name of unetTensorShapes(shape).keys()) tensors.set(naming.tensorName(name), (await weights.readFloats(name)).slice());
  return tensors;
}
