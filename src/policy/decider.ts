import type { DecisionInput } from '../decision/decision-input.js';
import type { DecisionPlan } from '../decision/decision-plan.js';
import type { Denoiser } from '../decision/denoiser.js';
import type { FrameEncoder } from '../decision/frame-encoder.js';
import type { GivenNoise } from '../decision/noise.js';
import type { Frame } from '../observations/check.js';
import type { PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import { decideAll, firstRuns, type PendingDecision } from './decide.js';
import { type Decision, toDecision } from './decision-result.js';
import type { Episode } from './episode.js';

/** What a caller brings to one decision. */
export interface Given {
  /** Raw observations, oldest frame first. */
  readonly frames: readonly Frame[];
  readonly given: GivenNoise;
}

/** A decision that is to be made, and the episode that remembers it, if it is of one. */
export interface Turn {
  readonly strategy: Strategy;
  readonly pending: Omit<PendingDecision, 'frames'> & Given;
  readonly episode?: Episode;
}

/** The next decision of an episode. `seed`: in place of the episode's. */
export function nextTurn(episode: Episode, given: Given, seed?: number): Turn {
  const [newest, before] = episode.past;
  const { strategy, maker } = episode;
  return { strategy, episode, pending: { ...given, maker, newest, before, seed: episode.nextNoise(seed) } };
}

/** A decision that depends on what it is given alone. `sample`: its place among those made together. */
export function statelessTurn(strategy: Strategy, given: Given, previous: readonly PastChunk[], seed: number, sample: number): Turn {
  const [newest, before] = previous;
  return { strategy, pending: { ...given, maker: strategy.begin(), newest, before, seed: { seed, episode: 0, decision: 0, sample } } };
}

/** Makes the decisions of a policy. */
export class Decider {
  readonly #denoiser: Denoiser;
  readonly #encoder: FrameEncoder;
  readonly #context: StrategyContext;
  readonly #onDecision: ((decision: Decision) => void) | undefined;

  constructor(denoiser: Denoiser, encoder: FrameEncoder, context: StrategyContext, onDecision: ((decision: Decision) => void) | undefined) {
    this.#denoiser = denoiser;
    this.#encoder = encoder;
    this.#context = context;
    this.#onDecision = onDecision;
  }

  /** Decisions made together. Where one fails none is made, and every episode is as it was. */
  async decide(turns: readonly Turn[]): Promise<Decision[]> {
    const { actionDim, observationSteps } = this.#context;
    const started = performance.now();
    const { pending, probes } = await this.#encode(turns);
    const made = await decideAll(this.#denoiser, pending, this.#chunkSize);
    const latencyMs = performance.now() - started;
    const decisions = made.map((one, i) => {
      // Row 0 belongs to the oldest frame: earlier rows than the newest frame's are in the past.
      const rows = { first: observationSteps - 1, count: (turns[i] as Turn).strategy.actionSteps, actionDim };
      return toDecision(probes.size === 0 ? one : { ...one, probes: new Map([...probes, ...one.probes]) }, rows, latencyMs);
    });
    for (const decision of decisions) this.#onDecision?.(decision);
    // Once all of them are made and reported: until then a failure must leave every episode as it was.
    made.forEach(({ outcome }, i) => turns[i]?.episode?.push(outcome));
    return decisions;
  }

  /** The first batch of what a decision would run. */
  async prepare(turn: Turn): Promise<{ plan: DecisionPlan; input: DecisionInput }> {
    const { pending } = await this.#encode([turn]);
    return this.#denoiser.prepare(firstRuns(pending, this.#chunkSize));
  }

  /** Images that no decision has seen yet are encoded, all together. */
  async #encode(turns: readonly Turn[]): Promise<{ pending: PendingDecision[]; probes: ReadonlyMap<string, Float32Array> }> {
    const { windows, probes } = await this.#encoder.encode(turns.map(({ pending }) => pending.frames));
    return { pending: turns.map(({ pending }, i) => ({ ...pending, frames: windows[i] as Float32Array })), probes };
  }

  get #chunkSize(): number {
    return this.#context.horizon * this.#context.actionDim;
  }
}
