import { ddpmSchedule } from '../diffusion/ddpm.js';
import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkNumber } from '../foundation/options.js';
import { shownOther } from '../foundation/shown.js';
import { shiftRows } from './chunks.js';
import { defineStrategy } from './define.js';
import { option } from './option-kinds.js';
import { solverOptions, startFromNoise } from './solver.js';
import { type DenoiseResult, type Strategy, type StrategyContext, singleRuns, startFromSample } from './strategy.js';
import type { GripperOptions } from './strategy-options.js';

const downFrom = (first: number): number[] => Array.from({ length: first + 1 }, (_, i) => first - i);

/** Published lists of timesteps, by task. */
export type RtiDpTimestepsName =
  | 'push-t'
  | 'lift-clip'
  | 'lift-scale'
  | 'can-clip'
  | 'can-scale'
  | 'square-clip'
  | 'square-scale'
  | 'toolhang-clip'
  | 'toolhang-scale'
  | 'transport-clip'
  | 'transport-scale'
  | 'push-t-image'
  | 'lift-image-clip'
  | 'can-image-clip'
  | 'square-image-scale'
  | 'toolhang-image-scale'
  | 'transport-image-scale';

/**
 * Timesteps of the published configurations (RTI-DP, branch `reproduce`). `clip`: with a pretrained policy; `scale`: with
 * one that was trained on gripper actions divided by 10. `image`: of the policies with cameras.
 */
export const RTI_DP_TIMESTEPS: Readonly<Record<RtiDpTimestepsName, readonly number[]>> = {
  'push-t': [2, 1, 0],
  'lift-clip': [18, 16, 14, 12, 10, 8, 5, 3, 2, 1, 0],
  'lift-scale': [3, 1, 0],
  'can-clip': [40, 35, 30, 25, 20, 17, 15, 12, 10, 8, 5, 3, 2, 1, 0],
  'can-scale': [7, 5, 3, 1, 0],
  'square-clip': [25, 20, 17, 15, 12, ...downFrom(10)],
  'square-scale': [15, 13, 11, 9, 7, 5, 3, 2, 1, 0],
  'toolhang-clip': [28, 25, 20, 17, 15, 12, ...downFrom(10)],
  'toolhang-scale': [3, 1, 0],
  'transport-clip': [29, 26, 23, 20, 18, 16, 14, 12, ...downFrom(10)],
  'transport-scale': [5, 3, 2, 1, 0],
  'push-t-image': [3, 1, 0],
  'lift-image-clip': [22, 20, 18, 16, 14, 12, 10, 8, 5, 3, 2, 1, 0],
  'can-image-clip': [22, 20, 18, 16, 14, 12, 10, 8, 5, 3, 2, 1, 0],
  'square-image-scale': downFrom(20),
  'toolhang-image-scale': [5, 3, 1, 0],
  'transport-image-scale': [5, 3, 1, 0],
};

/**
 * RTI-DP (Duan et al. 2025): the last chunk moved on by one row, without added noise, goes through DDPM steps at the
 * listed timesteps. Each step leads to t − 1 whatever the gaps in the list, as in the released code.
 */
export const RTI_DP = defineStrategy({
  name: 'RTI-DP',
  spelled: 'rti-dp',
  options: {
    timesteps: option<readonly number[] | string, readonly number[], string>(
      'push-t',
      'timesteps that end at 0, or the name of a published list (push-t)',
      undefined,
      (where, _, timesteps) => timestepsOf(where, timesteps),
    ),
    gripper: option<GripperOptions, Finish, undefined>(
      undefined,
      'action dimensions that are open or closed (none)',
      undefined,
      (where, _, gripper, { actionDim }) => gripperRule(where, gripper, actionDim),
    ),
  },
  create: createRtiDp,
});

type Finish = (result: DenoiseResult) => DenoiseResult;

function createRtiDp(
  { timesteps, gripper }: { readonly timesteps: readonly number[]; readonly gripper: Finish | undefined },
  { scheduler, actionDim }: StrategyContext,
): Strategy {
  const refinement = solverOptions(scheduler);
  const schedule = ddpmSchedule({ ...refinement, steps: timesteps.length, timesteps, predecessor: 'adjacent' });
  const cold = startFromNoise(ddpmSchedule({ ...refinement, steps: scheduler.numTrainTimesteps }));
  return {
    description: `RTI-DP ${schedule.steps.length} (timesteps ${timesteps.join(' ')}, one action per decision)`,
    schedules: [schedule, cold.schedule],
    usual: schedule,
    needs: [],
    actionSteps: 1,
    needsOnlyChunks: true,
    begin: singleRuns(({ newest }) => {
      if (!newest) return cold;
      return { ...startFromSample(shiftRows(newest.normalizedChunk, actionDim, 1), schedule), warm: true, stalled: false };
    }, gripper),
  };
}

function timestepsOf(where: string, timesteps: readonly number[] | string): readonly number[] {
  if (typeof timesteps === 'string') {
    const names = Object.keys(RTI_DP_TIMESTEPS) as RtiDpTimestepsName[];
    return RTI_DP_TIMESTEPS[checkChoice(where, 'timesteps', timesteps, names)];
  }
  if (!Array.isArray(timesteps) || timesteps.at(-1) !== 0) {
    throw new OptionError(
      `${where}: timesteps must be a descending list that ends at 0, or the name of one, found ${Array.isArray(timesteps) && timesteps.length < 50 ? JSON.stringify(timesteps) : shownOther(timesteps)}.`,
    );
  }
  return timesteps;
}

/**
 * A gripper opens or closes: it is sent ±1, and remembered as ±1/factor, or what lies between would be taken for noise. A policy
 * that was trained on scaled gripper actions goes on from what it made itself. Only a value above 0 is +1, as in the released code.
 */
function gripperRule(where: string, gripper: GripperOptions, actionDim: number): Finish {
  checkKeys(`${where}: gripper`, gripper, ['dimensions', 'factor', 'remember']);
  if (!Array.isArray(gripper.dimensions)) {
    throw new OptionError(`${where}: gripper: dimensions must be a list of action dimensions, found ${shownOther(gripper.dimensions)}.`);
  }
  const dimensions = new Set(ascending(`${where}: gripper`, gripper.dimensions, actionDim));
  const isFactor = (value: number): boolean => value >= 1 && value < Infinity;
  const factor = checkNumber(`${where}: gripper`, 'factor', gripper.factor ?? 1, 'a finite number of at least 1', isFactor);
  const remember = checkChoice(`${where}: gripper`, 'remember', gripper.remember ?? 'decided', ['decided', 'unchanged'] as const);
  if (remember === 'unchanged' && gripper.factor !== undefined) {
    throw new OptionError(
      `${where}: gripper: factor divides what is remembered as decided, and says nothing of what is unchanged: leave out one of the two.`,
    );
  }
  const decided = (values: Float32Array, size: number): Float32Array =>
    values.map((value, i) => (dimensions.has(i % actionDim) ? (value > 0 ? size : -size) : value));
  return ({ normalizedChunk, chunk, trace }) => ({
    normalizedChunk: remember === 'decided' ? decided(normalizedChunk, 1 / factor) : normalizedChunk,
    chunk: decided(chunk, 1),
    trace,
  });
}

/** Each once and in one order, so that a rule has one spelling. */
function ascending(where: string, dimensions: readonly number[], actionDim: number): readonly number[] {
  // By index: `map` passes over holes.
  for (let i = 0; i < dimensions.length; i++) {
    const index = checkInteger(where, 'dimensions', dimensions[i], 0, actionDim - 1);
    const before = dimensions[i - 1] ?? -1;
    if (index <= before) throw new OptionError(`${where}: dimensions must ascend, each once, found ${index} behind ${before}.`);
  }
  return dimensions;
}
