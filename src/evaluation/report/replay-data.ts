import type { ReportModel } from './model.js';

/** What the viewer of the page is given: the episodes that have a replay, and no more. */
export interface ReplayData {
  /** Ticks per second. */
  readonly tickRate: number;
  readonly strategies: readonly ReplayStrategy[];
}

export interface ReplayStrategy {
  readonly name: string;
  readonly colour: string;
  readonly episodes: readonly ReplayEpisode[];
}

export interface ReplayEpisode {
  readonly seed: number;
  readonly score: number;
  readonly success: boolean;
  readonly failure: string | null;
  readonly ticks: number;
  /** After each tick, [ticks]. */
  readonly rewards: readonly number[];
  /** Flattened: `Replay` says of what. */
  readonly states: readonly number[];
  readonly targets: readonly number[];
  readonly decisionTicks: readonly number[];
  /** Ticks of the decisions that the stall rule fired on. */
  readonly stallTicks: readonly number[];
}

/** Undefined where no episode has a replay. */
export function replayData({ rows, scene }: ReportModel): ReplayData | undefined {
  const strategies = rows.flatMap(({ summary, strategy, look }): ReplayStrategy[] => {
    const episodes = strategy.episodes.flatMap(({ seed, score, success, failure, ticks, rewards, replay }): ReplayEpisode[] => {
      if (!replay) return [];
      const { states, targets, decisionTicks, stalledDecisions } = replay;
      const stallTicks = stalledDecisions.flatMap((position) => decisionTicks[position] ?? []);
      return [{ seed, score, success, failure: failure ?? null, ticks, rewards, states, targets, decisionTicks, stallTicks }];
    });
    return episodes.length === 0 ? [] : [{ name: summary.name, colour: look.colour, episodes }];
  });
  return strategies.length === 0 ? undefined : { tickRate: scene.tickRate, strategies };
}
