import type { Policy } from '../../policy/policy.js';
import { Progress } from '../progress.js';
import { windowAt, type Recording } from '../recording.js';
import { sampleInTurn, sampleTogether, situationNoise, type Sampled, type Situation } from './sample.js';

const DDIM_STEPS = [2, 4, 10] as const;
export const BUDGET = 2;
export const YARDSTICK_STEPS = 100;
const NOISE_SEED = 1;
const OTHER_SEED = 2;

/** How much is computed: a software adapter gets a sample of what a GPU does in full. */
export interface Extent {
  /** Decisions that DDIM makes too; STEP makes all of them. */
  readonly compared: number;
  /** Decisions that the yardstick judges. */
  readonly yardstick: number;
  /** Decisions timed per strategy without a past. */
  readonly timed: number;
  /** Decisions of the yardstick that are timed. */
  readonly yardstickTimed: number;
}

export interface Experiment {
  /** Decisions in the recording. */
  readonly decisions: number;
  /** The first of them, which all strategies make. */
  readonly compared: number;
  /** STEP, then DDIM by rising number of steps. */
  readonly strategies: readonly Sampled[];
  /** Indices of the decisions below, none of them the first. */
  readonly judged: readonly number[];
  /** DDPM at the judged decisions (elsewhere undefined), from the common noise and from other noise. */
  readonly yardstick: Sampled;
  readonly floor: Sampled;
}

/** Lets every strategy decide in the situations of a recording, from the same noise. */
export async function runExperiment(
  policy: Policy,
  recording: Recording,
  decisions: number,
  extent: Extent,
  signal: AbortSignal,
): Promise<Experiment> {
  const { horizon, actionDim, actionSteps, observationSteps } = policy.info;
  const situations = Array.from({ length: decisions }, (_, i): Situation => ({
    window: windowAt(recording, i * actionSteps, observationSteps),
    noise: situationNoise(NOISE_SEED, i, horizon * actionDim),
  }));
  const progress = new Progress();
  const begin = (text: string): void => {
    signal.throwIfAborted();
    progress.phase(text);
  };
  begin(`STEP with ${BUDGET} evaluations: ${decisions} decisions, one after the other`);
  const onDecision = (done: number): void => {
    signal.throwIfAborted();
    progress.update(`STEP: decision ${done} of ${decisions}`);
  };
  const strategies = [await sampleInTurn(policy, `STEP ${BUDGET}`, { name: 'STEP', budget: BUDGET }, situations, onDecision)];
  const compared = Math.min(decisions, extent.compared);
  for (const steps of DDIM_STEPS) {
    begin(`DDIM with ${steps} evaluations: ${compared} decisions`);
    const some = situations.slice(0, compared);
    strategies.push(await sampleTogether(policy, `DDIM ${steps}`, { name: 'DDIM', steps }, some, extent.timed));
  }

  const judged = spread(compared, extent.yardstick);
  begin(`DDPM with ${YARDSTICK_STEPS} evaluations: ${judged.length} decisions, twice`);
  // Both runs as one batch: a sample's numbers do not depend on its neighbours.
  const first = judged.map((index) => situations[index] as Situation);
  const second = judged.map((index, i): Situation => ({
    ...(first[i] as Situation),
    noise: situationNoise(OTHER_SEED, index, horizon * actionDim),
  }));
  const strategy = { name: 'DDPM', steps: YARDSTICK_STEPS } as const;
  const both = await sampleTogether(policy, 'DDPM', strategy, [...first, ...second], extent.yardstickTimed);
  progress.done();
  const placed = (label: string, offset: number): Sampled => {
    const actions: Float32Array[] = [];
    judged.forEach((index, i) => (actions[index] = both.actions[offset + i] as Float32Array));
    return { ...both, label, actions };
  };
  return {
    decisions,
    compared,
    strategies,
    judged,
    yardstick: placed(`DDPM ${YARDSTICK_STEPS}`, 0),
    floor: placed(`DDPM ${YARDSTICK_STEPS}, other noise`, judged.length),
  };
}

/** `count` indices from 1 to decisions − 1, evenly spread; the first decision is left out, where STEP is cold. */
function spread(decisions: number, count: number): number[] {
  const most = Math.max(1, Math.min(count, decisions - 1));
  return Array.from({ length: most }, (_, i) => Math.min(decisions - 1, 1 + Math.floor(((i + 0.5) * (decisions - 1)) / most)));
}
