import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys } from '../foundation/options.js';
import type { Frame, Observation } from '../observations/frame.js';
import type { FrameWindow } from '../observations/window.js';
import type { Strategy, StrategyContext } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { type Decider, nextTurn } from './decider.js';
import type { ActOptions, DecideOptions, DecideRequest, Decision, EpisodeOptions } from './decision-result.js';
import { Episode } from './episode.js';
import { NOISE_KEYS, type RequestChecks, settledCall } from './request-checks.js';

export interface ActorParts {
  readonly checks: RequestChecks;
  readonly decider: Decider;
  readonly context: StrategyContext;
  /** Of the own episode's noise. */
  readonly seed: number;
  readonly newWindow: () => FrameWindow;
  /** Runs a task in its turn. */
  readonly run: <T>(task: () => T | Promise<T>) => Promise<T>;
}

const NO_OPTIONS = Object.freeze({});
const DECIDE_KEYS = [...NOISE_KEYS, 'previous', 'seed', 'noiseKey'] as const;

/**
 * What a policy does when a control loop calls it: checks at once, decisions in their turn, in its own episode or in one that it is given. A
 * rehearsal is an actor too, so that all that is on the way of a decision was called before the first one that counts.
 */
export class Actor {
  readonly #parts: ActorParts;
  /** How decisions are sampled from now on. */
  strategy: Strategy;
  #own: Episode | undefined;
  /** Number of that episode, part of the key of its noise. */
  #ownIndex = 0;
  /** Episodes beside it. */
  readonly #begun = new WeakSet<Episode>();

  constructor(parts: ActorParts, strategy: Strategy) {
    this.#parts = parts;
    this.strategy = strategy;
  }

  /** The next action of an episode. Rejects as `Policy.act`. */
  act(observation: Observation, options: ActOptions = NO_OPTIONS): Promise<Float32Array> {
    // Not an asynchronous function, nor is decide: each would leave half a kilobyte of garbage with every tick.
    try {
      const { checks, decider, run } = this.#parts;
      const { frame, given } = checks.tick(observation, options);
      const { episode: asked } = options;
      return run(() => {
        const episode = asked ?? this.own;
        if (episode.actions.length > 0) return this.#next(episode, frame);
        return decider.decideOne(nextTurn(episode, { frames: episode.window.read(frame), given })).then(({ actions }) => {
          const { actionDim } = this.#parts.context;
          for (let row = 0; row < actions.length; row += actionDim) episode.actions.push(actions.slice(row, row + actionDim));
          return this.#next(episode, frame);
        });
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** One decision over a window. Rejects as `Policy.decide`. */
  decide(window: Observation, options: DecideOptions = NO_OPTIONS): Promise<Decision> {
    try {
      const { checks, decider, run } = this.#parts;
      checkKeys('decide', options, DECIDE_KEYS);
      const { previous, seed, noiseKey } = options;
      if (seed !== undefined) checkInteger('decide', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
      if (previous !== undefined) {
        const turn = checks.stateless('decide', { ...options, window, previous }, 0);
        return run(() => decider.decideOne(turn(this.strategy)));
      }
      if (noiseKey !== undefined) throw new OptionError('decide: noiseKey repeats a decision, and needs its `previous`: give it as well.');
      const given = checks.window('decide', window, options);
      return run(() => decider.decideOne(nextTurn(this.own, given, seed)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Decisions made together. Rejects as `Policy.decideAll`. */
  async decideAll(requests: readonly DecideRequest[]): Promise<Decision[]> {
    const { checks, decider, run } = this.#parts;
    const turns = checks.together(requests);
    return run(() => decider.decide(turns.map((turn) => turn(this.strategy))));
  }

  /** The same, each for itself. Rejects as `Policy.decideAllSettled`. */
  async decideAllSettled(requests: readonly DecideRequest[]): Promise<PromiseSettledResult<Decision>[]> {
    const { checks, decider, run } = this.#parts;
    const checked = checks.each(requests);
    return run(async () => {
      const looked = checked.map((one) => (one.status === 'fulfilled' ? settledCall(() => one.value(this.strategy)) : one));
      const decided = await decider.settle(looked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
      return looked.map((one) => (one.status === 'fulfilled' ? (decided.shift() as PromiseSettledResult<Decision>) : one));
    });
  }

  /** Begins an episode beside the own one. `create`: makes the strategy that it is asked for. @throws OptionError. */
  beginEpisode(options: EpisodeOptions, create: (options: StrategyOptions) => Strategy): Episode {
    checkKeys('beginEpisode', options, ['strategy', 'seed']);
    const strategy = options.strategy === undefined ? this.strategy : create(options.strategy);
    const seed = checkInteger('beginEpisode', 'seed', options.seed ?? this.#parts.seed, 0, Number.MAX_SAFE_INTEGER);
    const episode = new Episode(strategy, { seed, episode: 0, sample: 0 }, this.#parts.newWindow());
    this.#begun.add(episode);
    return episode;
  }

  /** Whether `beginEpisode` returned it. */
  hasBegun(episode: Episode): boolean {
    return this.#begun.has(episode);
  }

  /** Ends the own episode. */
  reset(): void {
    this.#own = undefined;
    this.#ownIndex++;
  }

  /** The own episode; a new one where none has begun. */
  get own(): Episode {
    const { seed, newWindow } = this.#parts;
    this.#own ??= new Episode(this.strategy, { seed, episode: this.#ownIndex, sample: 0 }, newWindow());
    return this.#own;
  }

  #next({ window, actions }: Episode, frame: Frame): Float32Array {
    window.push(frame);
    return actions.shift() as Float32Array;
  }
}
