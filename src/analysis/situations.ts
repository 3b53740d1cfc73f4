import type { Task } from '../envs/environment.js';
import { playEpisode } from '../evaluation/play.js';
import { OptionError } from '../foundation/errors.js';
import { checkInteger } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import type { Decision, Policy } from '../policy/policy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { ContractionStart } from './contraction.js';
import { startNoise } from './perturbation.js';

/** The probe that situations need: the sample that a decision's first network evaluation sees. */
export const START_PROBE = 'start';

/** A decision of an episode in closed loop. */
export interface Situation {
  /** Seed of the episode. */
  readonly seed: number;
  /** Index within the episode. */
  readonly decision: number;
  /** Control steps executed before it. */
  readonly tick: number;
  /** Raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
  /** The decision started from a prediction. */
  readonly warm: boolean;
  /** The sample that it started from, normalised, f32 [horizon][actionDim]. */
  readonly start: Float32Array;
}

export interface SituationOptions {
  /** What the episodes are of. */
  readonly task: Task;
  /** How the episodes decide. */
  readonly strategy: StrategyOptions;
  /** Episode i is that of seed + i. */
  readonly seed: number;
  readonly episodes: number;
  /** Situations taken of each episode, spread evenly over it. */
  readonly decisions: number;
  readonly signal?: AbortSignal;
  /** Called after each tick. */
  readonly onTick?: (episode: number, tick: number) => void;
}

/** Starts in these situations from noise, which the seed and the place in the list decide. `size`: horizon × actionDim. */
export function startsFromNoise(situations: readonly Situation[], size: number, seed: number): ContractionStart[] {
  return situations.map(({ window }, start) => ({ window, sample: startNoise(size, { seed, start }) }));
}

/** Starts where the episodes' own decisions began, of those that were warm. */
export function startsFromPrediction(situations: readonly Situation[]): ContractionStart[] {
  return situations.filter(({ warm }) => warm).map(({ window, start }) => ({ window, sample: start }));
}

/**
 * Lets a policy play episodes of a task, one after the other, and returns situations that it came into. An episode's
 * first decision is left out where there are others: it has no past. A short episode has fewer situations.
 * @throws OptionError for a policy that was loaded without the probe `START_PROBE`, and for an episode that fails; and as
 * `Policy.decideAll`.
 */
export async function collectSituations(policy: Policy, options: SituationOptions): Promise<Situation[]> {
  checkInteger('collectSituations', 'episodes', options.episodes, 1, 2 ** 16);
  checkInteger('collectSituations', 'decisions', options.decisions, 1, 2 ** 16);
  const chosen: Situation[] = [];
  for (let index = 0; index < options.episodes; index++) {
    const [first, ...later] = (await play(policy, index, options)) as [Situation, ...Situation[]];
    chosen.push(...spread(later.length > 0 ? later : [first], options.decisions));
  }
  return chosen;
}

async function play(policy: Policy, index: number, options: SituationOptions): Promise<Situation[]> {
  const { task, strategy, seed: firstSeed, signal, onTick } = options;
  const seed = firstSeed + index;
  const visited: Situation[] = [];
  const rollout = await playEpisode(policy, {
    task,
    strategy,
    seed,
    onDecision: (result, { index: decision, tick, window }) => {
      visited.push({ seed, decision, tick, window, warm: result.warm, start: startOf(result) });
    },
    onTick: ({ ticks }) => onTick?.(index, ticks),
    ...(signal ? { signal } : {}),
  });
  const { failure } = rollout.record();
  if (failure !== undefined) throw new OptionError(`the episode of seed ${seed} failed in its tick ${rollout.ticks}: ${failure}`);
  return visited;
}

function startOf({ probes }: Decision): Float32Array {
  const start = probes.get(START_PROBE);
  if (!start)
    throw new OptionError(`collectSituations: the policy must be loaded with \`probes: ['${START_PROBE}']\`, found none: load it again.`);
  return start;
}

/** `count` entries, the last of them included, at equal distances. */
function spread<T>(values: readonly T[], count: number): T[] {
  const chosen = Math.min(count, values.length);
  return Array.from({ length: chosen }, (_, i) => values[Math.ceil(((i + 1) * values.length) / chosen) - 1] as T);
}
