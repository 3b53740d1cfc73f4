import { type DenoiseRun, type DenoiseSample, givenRun } from '../decision/denoiser.js';
import { checkedNoise, type GivenNoise } from '../decision/noise.js';
import { OptionError } from '../foundation/errors.js';
import { checkKeys } from '../foundation/options.js';
import { checkFrame, checkWindow, type Frame, type Observation } from '../observations/check.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import { type Given, nextTurn, statelessTurn, type Turn } from './decider.js';
import type { ActOptions, DecideRequest, StatelessRequest } from './decision-result.js';
import type { Episode } from './episode.js';

/**
 * A request that passed its checks, which are made at once. What it continues is looked up when its turn comes:
 * `current` is the policy's strategy then.
 */
export type CheckedRequest = (current: Strategy) => Turn;

/** What the checks depend on. */
export interface RequestFacts {
  /** Of the checkpoint. */
  readonly name: string;
  readonly observations: readonly ObservationInfo[];
  readonly context: StrategyContext;
  /** Of decisions that bring none. */
  readonly seed: number;
  /** Whether `beginEpisode` of the policy returned this one. */
  hasBegun(episode: Episode): boolean;
}

/** Checks what callers ask of a policy, and copies what they may change while it waits. */
export class RequestChecks {
  readonly #facts: RequestFacts;

  constructor(facts: RequestFacts) {
    this.#facts = facts;
  }

  /** @throws ObservationError, OptionError. */
  tick(observation: Observation, options: ActOptions): { readonly frame: Frame; readonly given: GivenNoise } {
    checkKeys('act', options, ['noise', 'stepNoise', 'episode']);
    const frame = checkFrame(this.#facts.observations, observation, 'act');
    const given = checkedNoise(options, this.#chunkSize);
    if (options.episode) this.#checkBegun('act', options.episode);
    return { frame, given };
  }

  /** @throws ObservationError. */
  observed(observation: Observation): Frame {
    return checkFrame(this.#facts.observations, observation, 'observe');
  }

  /** @throws ObservationError, OptionError. */
  window(where: string, window: Observation, noise: GivenNoise): Given {
    const { observations, context } = this.#facts;
    const frames = checkWindow(observations, window, context.observationSteps, where);
    return { frames, given: checkedNoise(noise, this.#chunkSize) };
  }

  /** A decision that depends on what it is given alone. `place`: in the list of those made together. @throws as window(). */
  stateless(where: string, request: StatelessRequest, place: number): CheckedRequest {
    const { window, previous, seed = this.#facts.seed } = request;
    const given = this.window(where, window, request);
    if (previous.length > 2) {
      throw new OptionError(`${where}: \`previous\` takes the two newest results at most, found ${previous.length}.`);
    }
    const past = previous.map((chunks) => checkedPast(where, chunks, this.#chunkSize));
    return (current) => {
      if (!current.needsOnlyChunks) {
        throw new OptionError(`${where}: ${current.description} remembers more than chunks: use beginEpisode() in place of \`previous\`.`);
      }
      return statelessTurn(current, given, past, seed, place);
    };
  }

  /** Decisions that are to be made together. @throws as window(). */
  together(requests: readonly DecideRequest[]): CheckedRequest[] {
    const episodes = requests.flatMap((request) => ('episode' in request ? [request.episode] : []));
    if (new Set(episodes).size < episodes.length) {
      throw new OptionError('decideAll: an episode is there twice: its second decision needs the first one.');
    }
    return requests.map((request, place) => this.#oneOf(request, place));
  }

  /** @throws as window(). */
  samples(requests: readonly DenoiseSample[]): { readonly frames: readonly Frame[]; readonly run: Omit<DenoiseRun, 'frames'> }[] {
    const { observations, context } = this.#facts;
    return requests.map(({ window, ...request }) => ({
      frames: checkWindow(observations, window, context.observationSteps, 'denoise'),
      run: givenRun(request, context),
    }));
  }

  #oneOf(request: DecideRequest, place: number): CheckedRequest {
    if (!('episode' in request)) {
      const { window: _, ...options } = request;
      checkKeys('decideAll', options, ['noise', 'stepNoise', 'previous', 'seed']);
      return this.stateless('decideAll', request, place);
    }
    const { episode, window, ...noise } = request;
    this.#checkBegun('decideAll', episode);
    checkKeys('decideAll', noise, ['noise', 'stepNoise']);
    const given = this.window('decideAll', window, noise);
    return () => nextTurn(episode, given);
  }

  /** Timesteps and chunks of another policy may well fit this one: the actions would be wrong, and nothing would say so. */
  #checkBegun(where: string, episode: Episode): void {
    if (this.#facts.hasBegun(episode)) return;
    throw new OptionError(
      `${where}: the episode must be one that beginEpisode() of this policy, "${this.#facts.name}", returned; this is none of them.`,
    );
  }

  get #chunkSize(): number {
    return this.#facts.context.horizon * this.#facts.context.actionDim;
  }
}

/** A copy of chunks that a caller kept. @throws OptionError where they are of another size, or not finite. */
function checkedPast(where: string, { normalizedChunk, chunk }: PastChunk, elements: number): PastChunk {
  for (const values of [normalizedChunk, chunk]) {
    if (values.length !== elements || !values.every(Number.isFinite)) {
      throw new OptionError(
        `${where}: \`previous\` must hold chunks of ${elements} finite values (horizon × action size), found ${values.length}.`,
      );
    }
  }
  return { normalizedChunk: normalizedChunk.slice(), chunk: chunk.slice() };
}
