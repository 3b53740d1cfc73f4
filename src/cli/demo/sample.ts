import { fillNormal } from '../../diffusion/philox.js';
import type { Observation } from '../../policy/observations.js';
import type { Policy } from '../../policy/policy.js';
import type { StrategyOptions } from '../../policy/strategy-options.js';
import { summarizeLatencies, type LatencySummary } from '../latency.js';
import type { Decisions } from './compare.js';

/** A recorded situation in which a policy decides: the observation window, and the noise that every strategy gets. */
export interface Situation {
  readonly window: Observation;
  readonly noise: Float32Array;
}

/** What a strategy did in all situations. */
export interface Sampled {
  readonly label: string;
  /** U-Net evaluations per decision (STEP: per warm decision). */
  readonly evaluations: number;
  readonly actions: Decisions;
  /** Of single decisions; undefined where none was timed. */
  readonly latency: LatencySummary | undefined;
}

/** The initial noise of a decision, the same for every strategy that starts from it. */
export function situationNoise(seed: number, decision: number, elements: number): Float32Array {
  const noise = new Float32Array(elements);
  fillNormal(noise, { seed, episode: 0, decision, purpose: 0 });
  return noise;
}

/** STEP decides in turn, because each decision starts from the one before. */
export async function sampleInTurn(
  policy: Policy,
  label: string,
  strategy: StrategyOptions,
  situations: readonly Situation[],
  onDecision: (done: number) => void,
): Promise<Sampled> {
  policy.useStrategy(strategy);
  const results = [];
  for (const { window, noise } of situations) {
    results.push(await policy.plan(window, { noise }));
    onDecision(results.length);
  }
  const warm = results.filter((result) => result.warm);
  return {
    label,
    evaluations: (warm[0] ?? results[0])?.timesteps.length ?? 0,
    actions: results.map((result) => result.actions),
    latency: summarizeLatencies(warm.map((result) => result.latencyMs)),
  };
}

/**
 * A strategy without a past decides all situations as one batch, which gives the same numbers in less time.
 * `timed`: how many of them are decided again one by one, for the latency.
 */
export async function sampleTogether(
  policy: Policy,
  label: string,
  strategy: StrategyOptions,
  situations: readonly Situation[],
  timed: number,
): Promise<Sampled> {
  policy.useStrategy(strategy);
  const { actions, timesteps, batch } = await policy.plan(joinWindows(situations), { previous: [], noise: joinNoise(situations) });
  const latencies: number[] = [];
  if (timed > 0) await policy.warmup();
  for (const { window, noise } of situations.slice(0, timed)) {
    latencies.push((await policy.plan(window, { previous: [], noise })).latencyMs);
  }
  const size = actions.length / batch;
  return {
    label,
    evaluations: timesteps.length,
    actions: situations.map((_, i) => actions.subarray(i * size, (i + 1) * size)),
    latency: summarizeLatencies(latencies),
  };
}

function joinWindows(situations: readonly Situation[]): Observation {
  const names = Object.keys(situations[0]?.window ?? {});
  const joined = (name: string): Float32Array => Float32Array.from(situations.flatMap(({ window }) => Array.from(window[name] ?? [])));
  return Object.fromEntries(names.map((name) => [name, joined(name)]));
}

function joinNoise(situations: readonly Situation[]): Float32Array {
  return Float32Array.from(situations.flatMap(({ noise }) => [...noise]));
}
