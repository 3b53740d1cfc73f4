import { OptionError } from '../../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkNumber, checkObject, checkToggle } from '../../foundation/options.js';
import { BETA_SCHEDULES } from '../../spec/noise-schedule.js';
import type { PolicySpec, SchedulerConfig } from '../../spec/policy-spec.js';

const WHERE = 'trainPolicy';
const SCHEDULER: Omit<SchedulerConfig, 'numInferenceSteps'> = {
  type: 'DDPM',
  numTrainTimesteps: 100,
  betaSchedule: 'squaredcos_cap_v2',
  betaStart: 1e-4,
  betaEnd: 0.02,
  predictionType: 'epsilon',
  clipSample: true,
  clipSampleRange: 1,
};
/** What LeRobot's configuration has a field for. */
const SCHEDULER_KEYS = [...Object.keys(SCHEDULER), 'numInferenceSteps'];
/** How a policy samples; all else says what its weights predict of which noise, which weights that were trained before are bound to. */
const SAMPLER_KEYS = ['type', 'numInferenceSteps'];

/**
 * The scheduler of a policy that is trained: what is given over what `initial` says, or over LeRobot's defaults.
 * @throws OptionError, also for what an initial policy says itself.
 */
export function checkedScheduler(given: Partial<SchedulerConfig>, initial?: Pick<PolicySpec, 'name' | 'scheduler'>): SchedulerConfig {
  const where = `${WHERE}: scheduler`;
  checkObject(WHERE, 'scheduler', given);
  checkKeys(where, given, SCHEDULER_KEYS);
  if (initial) checkSampler(where, given, initial.name);
  const scheduler = { ...SCHEDULER, ...(initial && ownOf(initial.scheduler)), ...given };
  const { numTrainTimesteps: levels, numInferenceSteps } = scheduler;
  checkInteger(where, 'numTrainTimesteps', levels, 1, 100_000);
  checkChoice(where, 'type', scheduler.type, ['DDPM', 'DDIM']);
  checkChoice(where, 'betaSchedule', scheduler.betaSchedule, BETA_SCHEDULES);
  checkChoice(where, 'predictionType', scheduler.predictionType, ['epsilon', 'sample']);
  for (const end of ['betaStart', 'betaEnd'] as const) {
    checkNumber(where, end, scheduler[end], 'a number between 0 and 1', (beta) => beta > 0 && beta < 1);
  }
  checkToggle(where, 'clipSample', scheduler.clipSample);
  checkNumber(where, 'clipSampleRange', scheduler.clipSampleRange, 'a number above 0', (range) => range > 0 && range < Infinity);
  if (numInferenceSteps !== undefined) checkInteger(where, 'numInferenceSteps', numInferenceSteps, 1, levels);
  return { ...scheduler, numInferenceSteps: numInferenceSteps === undefined ? levels : numInferenceSteps };
}

/** @throws OptionError for what is no matter of how the policy samples. */
function checkSampler(where: string, given: Partial<SchedulerConfig>, policy: string): void {
  const fixed = Object.keys(given).find((key) => !SAMPLER_KEYS.includes(key));
  if (fixed === undefined) return;
  throw new OptionError(
    `${where}: ${fixed} is that of the initial policy "${policy}", whose weights were trained with it: leave it out, or leave \`initial\` out; ` +
      `${SAMPLER_KEYS.join(' and ')} may be given.`,
  );
}

/** What a policy's scheduler says that LeRobot's configuration has a field for. */
function ownOf(scheduler: SchedulerConfig): Partial<SchedulerConfig> {
  return Object.fromEntries(Object.entries(scheduler).filter(([key]) => SCHEDULER_KEYS.includes(key)));
}

/** What config.json says of the steps of the policy's own sampler: null, as many as noise levels. */
export function writtenSteps(scheduler: SchedulerConfig, given: Partial<SchedulerConfig>, isInitial: boolean): number | null {
  const { numInferenceSteps, numTrainTimesteps } = scheduler;
  return given.numInferenceSteps !== undefined || (isInitial && numInferenceSteps !== numTrainTimesteps) ? numInferenceSteps : null;
}
