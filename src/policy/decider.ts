import type { DenoiseRun, Denoising } from '../decision/denoiser.js';
import type { EncodedWindow, FrameEncoding } from '../decision/frame-windows.js';
import type { GivenNoise, NoiseSeed } from '../decision/noise.js';
import type { PendingFeatures } from '../decision/pending-features.js';
import { NonFiniteError } from '../foundation/errors.js';
import type { Frame } from '../observations/frame.js';
import type { DecisionOutcome, PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import { decideEach, decideOne, type FailedDecision, firstRuns, type MadeDecision, type PendingDecision } from './decide.js';
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
  const { strategy, maker, newest, before } = episode;
  const { frames, given: noise } = given;
  return { strategy, episode, pending: { maker, newest, before, frames, seed: episode.nextNoise(seed), given: noise } };
}

/** A decision that depends on what it is given alone. */
export function statelessTurn(strategy: Strategy, given: Given, previous: readonly PastChunk[], seed: NoiseSeed): Turn {
  const [newest, before] = previous;
  return { strategy, pending: { ...given, maker: strategy.begin(), newest, before, seed } };
}

/** The failure of a network with the decision that it belongs to; everything else as it is. `place`: among those made together. */
function namedFailure(failure: unknown, { episode }: Turn, place: number | undefined): unknown {
  if (!(failure instanceof NonFiniteError)) return failure;
  const names = [...(place === undefined ? [] : [`requests[${place}]`]), ...(episode ? [episode.nextName] : [])];
  return names.length === 0 ? failure : new NonFiniteError(`${names.join(', ')}: ${failure.message}`, { cause: failure });
}

/** Decisions whose frames are complete, or wait for features; and inner values of the encoder, where it ran already. */
interface BegunTurns {
  readonly pending: PendingDecision[];
  readonly features?: PendingFeatures | undefined;
  readonly probes: ReadonlyMap<string, Float32Array>;
}

const NO_PROBES: BegunTurns['probes'] = new Map();

/** Makes the decisions of a policy. */
export class Decider {
  readonly #denoiser: Denoising;
  readonly #encoder: FrameEncoding;
  readonly #context: StrategyContext;
  readonly #onDecision: ((decision: Decision) => void) | undefined;

  constructor(
    denoiser: Denoising,
    encoder: FrameEncoding,
    context: StrategyContext,
    onDecision: ((decision: Decision) => void) | undefined,
  ) {
    this.#denoiser = denoiser;
    this.#encoder = encoder;
    this.#context = context;
    this.#onDecision = onDecision;
  }

  /**
   * One decision, as `decide` of several makes it.
   * @throws as decide(), at once or as a rejection; the episode is then as it was.
   */
  decideOne(turn: Turn): Promise<Decision> {
    const started = performance.now();
    if (!this.#encoder.isNeeded) return this.#finish(turn, this.#assembled(turn), NO_PROBES, started);
    return this.#begin([turn]).then(({ pending: [pending], features, probes }) =>
      this.#finish(turn, pending as PendingDecision, probes, started, features),
    );
  }

  #finish(
    turn: Turn,
    pending: PendingDecision,
    probes: BegunTurns['probes'],
    started: number,
    features?: PendingFeatures,
  ): Promise<Decision> {
    const use = (made: MadeDecision | FailedDecision): Decision => {
      if ('failure' in made) throw namedFailure(made.failure, turn, undefined);
      const decision = this.#decision(turn, made, probes, performance.now() - started);
      this.#onDecision?.(decision);
      turn.episode?.push(made.outcome);
      return decision;
    };
    return decideOne(this.#denoiser, pending, this.#chunkSize, use, features);
  }

  /** Decisions made together. Where one fails none is made, and every episode is as it was; the first failure is thrown. */
  async decide(turns: readonly Turn[]): Promise<Decision[]> {
    const [only] = turns;
    if (only && turns.length === 1) return [await this.decideOne(only)];
    const decided = await this.#make(turns);
    const decisions = decided.map((one, place) => {
      if ('failure' in one) throw namedFailure(one.failure, turns[place] as Turn, place);
      return one;
    });
    for (const { decision } of decisions) this.#onDecision?.(decision);
    // Once all of them are made and reported: until then a failure must leave every episode as it was.
    decisions.forEach(({ outcome }, place) => turns[place]?.episode?.push(outcome));
    return decisions.map(({ decision }) => decision);
  }

  /** Decisions made together, each for itself: one that fails leaves its own episode as it was, and no other. */
  async settle(turns: readonly Turn[]): Promise<PromiseSettledResult<Decision>[]> {
    const decided = await this.#make(turns);
    return decided.map((one, place) => {
      const turn = turns[place] as Turn;
      try {
        if ('failure' in one) throw one.failure;
        this.#onDecision?.(one.decision);
        turn.episode?.push(one.outcome);
        return { status: 'fulfilled', value: one.decision };
      } catch (error) {
        return { status: 'rejected', reason: namedFailure(error, turn, undefined) };
      }
    });
  }

  async #make(turns: readonly Turn[]): Promise<({ readonly decision: Decision; readonly outcome: DecisionOutcome } | FailedDecision)[]> {
    const started = performance.now();
    const { pending, features, probes } = this.#encoder.isNeeded
      ? await this.#begin(turns)
      : { pending: turns.map((turn) => this.#assembled(turn)), features: undefined, probes: NO_PROBES };
    const made = await decideEach(this.#denoiser, pending, this.#chunkSize, features);
    const latencyMs = performance.now() - started;
    return made.map((one, place) => {
      if ('failure' in one) return one;
      return { decision: this.#decision(turns[place] as Turn, one, probes, latencyMs), outcome: one.outcome };
    });
  }

  #decision({ strategy, pending }: Turn, made: MadeDecision, probes: BegunTurns['probes'], latencyMs: number): Decision {
    const { actionDim, observationSteps } = this.#context;
    // Row 0 belongs to the oldest frame: earlier rows than the newest frame's are in the past.
    const executed = { firstRow: strategy.firstRow ?? observationSteps - 1, count: strategy.actionSteps, actionDim };
    const probed = probes.size === 0 ? made : { ...made, probes: new Map([...probes, ...made.probes]) };
    const { noise, stepNoise, latent, normals } = pending.given;
    const isDrawn = noise === undefined && stepNoise === undefined && latent === undefined && normals === undefined;
    return toDecision(probed, executed, isDrawn ? pending.seed : undefined, latencyMs);
  }

  /** What a decision would run first. */
  async firstRuns(turn: Turn): Promise<DenoiseRun[]> {
    const { pending, features } = await this.#begin([turn]);
    await features?.alone();
    return firstRuns(pending, this.#chunkSize, this.#denoiser.latents);
  }

  /** Images that no decision has seen yet are encoded with these decisions, all together; before them where inner values are asked for. */
  async #begin(turns: readonly Turn[]): Promise<BegunTurns> {
    const { windows, pending: features } = await this.#encoder.begin(turns.map(({ pending }) => pending.frames));
    const pending = turns.map(({ pending: one }, i) => ({ ...one, ...(windows[i] as EncodedWindow) }));
    if (!features || features.canJoin) return { pending, features, probes: NO_PROBES };
    return { pending, probes: await features.alone() };
  }

  /** Without images: at once, because a control loop waits. */
  #assembled({ pending }: Turn): PendingDecision {
    const { maker, newest, before, seed, given } = pending;
    const { frames, rows } = this.#encoder.assemble(pending.frames);
    return { maker, newest, before, seed, given, frames, rows };
  }

  get #chunkSize(): number {
    return this.#context.horizon * this.#context.actionDim;
  }
}
