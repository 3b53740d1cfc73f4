import { type DenoiseRun, type DenoiseSample, givenRun } from '../decision/denoiser.js';
import { checkedNoise, type GivenNoise, type NoiseSeed } from '../decision/noise.js';
import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkObject, copyNumbers, keysOf } from '../foundation/options.js';
import { checkRange } from '../observations/check-range.js';
import type { Frame, Observation } from '../observations/frame.js';
import { type CheckPictures, gatherFrames } from '../observations/gather-frames.js';
import type { ObservationFeature, ObservationInfo } from '../spec/policy-spec.js';
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
  /** The same with statistics, which values are held against; undefined: of no file. */
  readonly features?: readonly ObservationFeature[];
  readonly context: StrategyContext;
  /** Of decisions that bring none. */
  readonly seed: number;
  /** Values of a latent of its CVAE. Default 0: it has none. */
  readonly latentDim?: number;
  /** Of a policy that looks through cameras. */
  readonly checkPictures?: CheckPictures | undefined;
  /** Whether `beginEpisode` of the policy returned this one. */
  hasBegun(episode: Episode): boolean;
}

/** Options that are noise. */
export const NOISE_KEYS = keysOf<GivenNoise>({ noise: true, stepNoise: true, latent: true, normals: true });

const ACT_KEYS = [...NOISE_KEYS, 'episode'] as const;

/** Checks what callers ask of a policy, and copies what they may change while it waits. */
export class RequestChecks {
  readonly #facts: RequestFacts;

  constructor(facts: RequestFacts) {
    this.#facts = facts;
  }

  /** @throws ObservationError, OptionError. */
  tick(observation: Observation, options: ActOptions): { readonly frame: Frame; readonly given: GivenNoise } {
    checkKeys('act', options, ACT_KEYS);
    const frame = this.#frame(observation, 'act');
    const given = this.#noise(options);
    if (options.episode !== undefined) this.#checkBegun('act', options.episode);
    return { frame, given };
  }

  /** @throws ObservationError. */
  observed(observation: Observation): Frame {
    return this.#frame(observation, 'observe');
  }

  #frame(observation: Observation, where: string): Frame {
    return this.#frames(observation, 1, where)[0] as Frame;
  }

  #frames(window: Observation, steps: number, where: string): Frame[] {
    const { observations, features, checkPictures } = this.#facts;
    const frames = gatherFrames(observations, window, steps, where, checkPictures);
    if (features) for (const frame of frames) checkRange(features, frame, where);
    return frames;
  }

  /** Zeros that were made up for a decision which nobody sees: zero may lie far beyond what a policy's statistics expect. */
  zeros(window: Observation): Given {
    const { observations, context } = this.#facts;
    return { frames: gatherFrames(observations, window, context.observationSteps, 'prepare', undefined), given: {} };
  }

  /** @throws ObservationError, OptionError. */
  window(where: string, window: Observation, noise: GivenNoise): Given {
    const frames = this.#frames(window, this.#facts.context.observationSteps, where);
    return { frames, given: this.#noise(noise) };
  }

  /** A decision that depends on what it is given alone. `place`: in the list of those made together. @throws as window(). */
  stateless(where: string, request: StatelessRequest, place: number): CheckedRequest {
    const { window, previous, seed = this.#facts.seed, noiseKey } = request;
    const given = this.window(where, window, request);
    checkInteger(where, 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
    if (noiseKey !== undefined && request.seed !== undefined) throw new OptionError(`${where}: give seed or noiseKey, not both.`);
    const key = noiseKey === undefined ? { seed, episode: 0, decision: 0, sample: place } : checkedKey(where, noiseKey);
    const past: PastChunk[] = [];
    if (Array.isArray(previous) && previous.length > 2) {
      throw new OptionError(`${where}: \`previous\` takes the two newest results at most, found ${previous.length}.`);
    }
    checkList(where, '`previous`', previous, (chunks) => past.push(checkedPast(where, chunks, this.#chunkSize)));
    return (current) => {
      if (!current.needsOnlyChunks) {
        throw new OptionError(`${where}: ${current.description} remembers more than chunks: use beginEpisode() in place of \`previous\`.`);
      }
      return statelessTurn(current, given, past, key);
    };
  }

  /** Decisions that are to be made together. @throws as window(), naming the request. */
  together(requests: readonly DecideRequest[]): CheckedRequest[] {
    checkList('decideAll', 'requests', requests, (request) => checkObject('decideAll', 'a request', request));
    this.#checkOnce('decideAll', requests);
    return requests.map((request, place) => this.#oneOf(placeName('decideAll', place, requests), request, place));
  }

  /** The same, each with its own reason where it is refused. @throws OptionError where an episode is there twice. */
  each(requests: readonly DecideRequest[]): PromiseSettledResult<CheckedRequest>[] {
    checkList('decideAllSettled', 'requests', requests, (request) => checkObject('decideAllSettled', 'a request', request));
    this.#checkOnce('decideAllSettled', requests);
    return requests.map((request, place) => settledCall(() => this.#oneOf(placeName('decideAllSettled', place, requests), request, place)));
  }

  #checkOnce(where: string, requests: readonly DecideRequest[]): void {
    const episodes = requests.flatMap((request) => ('episode' in request ? [request.episode] : []));
    if (new Set(episodes).size < episodes.length) {
      throw new OptionError(`${where}: an episode is there twice: its second decision needs the first one.`);
    }
  }

  /** @throws as window(). */
  samples(requests: readonly DenoiseSample[]): { readonly frames: readonly Frame[]; readonly run: Omit<DenoiseRun, 'frames'> }[] {
    checkList('denoise', 'requests', requests, (request) => checkObject('denoise', 'a request', request));
    const { context } = this.#facts;
    return requests.map(({ window, ...request }) => ({
      frames: this.#frames(window, context.observationSteps, 'denoise'),
      run: givenRun(request, context),
    }));
  }

  #oneOf(where: string, request: DecideRequest, place: number): CheckedRequest {
    if (!('episode' in request)) {
      const { window: _, ...options } = request;
      checkKeys(where, options, [...NOISE_KEYS, 'previous', 'seed', 'noiseKey']);
      return this.stateless(where, request, place);
    }
    const { episode, window, ...noise } = request;
    this.#checkBegun(where, episode);
    checkKeys(where, noise, NOISE_KEYS);
    const given = this.window(where, window, noise);
    return () => nextTurn(episode, given);
  }

  /** Timesteps and chunks of another policy may well fit this one: the actions would be wrong, and nothing would say so. */
  #checkBegun(where: string, episode: Episode): void {
    if (this.#facts.hasBegun(episode)) return;
    throw new OptionError(
      `${where}: the episode must be one that beginEpisode() of this policy, "${this.#facts.name}", returned; this is none of them.`,
    );
  }

  #noise(given: GivenNoise): GivenNoise {
    return checkedNoise(given, this.#chunkSize, this.#facts.latentDim);
  }

  get #chunkSize(): number {
    return this.#facts.context.horizon * this.#facts.context.actionDim;
  }
}

/** A call's name, and which of its requests it is about where there are several. */
function placeName(call: string, place: number, { length }: readonly DecideRequest[]): string {
  return length > 1 ? `${call}: requests[${place}]` : call;
}

/** What a call returned or threw. */
export function settledCall<T>(call: () => T): PromiseSettledResult<T> {
  try {
    return { status: 'fulfilled', value: call() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}

/** Words of Philox's key are 32 bits wide; a sample has 2^16 rows of noise. */
const MOST_KEY_WORD = 2 ** 32 - 1;
const MOST_SAMPLES = 2 ** 16 - 1;

/** A copy of the key of a decision. @throws OptionError where a part is missing or beyond its range. */
function checkedKey(where: string, noiseKey: NoiseSeed): NoiseSeed {
  const { seed, episode, decision, sample } = checkObject(where, 'noiseKey', noiseKey) as NoiseSeed;
  return {
    seed: checkInteger(where, 'noiseKey.seed', seed, 0, Number.MAX_SAFE_INTEGER),
    episode: checkInteger(where, 'noiseKey.episode', episode, 0, MOST_KEY_WORD),
    decision: checkInteger(where, 'noiseKey.decision', decision, 0, MOST_KEY_WORD),
    sample: checkInteger(where, 'noiseKey.sample', sample, 0, MOST_SAMPLES),
  };
}

/** A copy of chunks that a caller kept. @throws OptionError where they are of another size, or not finite. */
function checkedPast(where: string, kept: PastChunk, elements: number): PastChunk {
  const { normalizedChunk, chunk } = checkObject(where, 'a result in `previous`', kept) as PastChunk;
  const copy = (values: ArrayLike<number>): Float32Array =>
    Float32Array.from(
      copyNumbers(values, elements, (found, index) => {
        const wanted = `chunks of ${elements} finite values (horizon × action size)`;
        const at = index === undefined ? '' : ` at index ${index}`;
        return new OptionError(`${where}: \`previous\` must hold ${wanted}, found ${found}${at}.`);
      }),
    );
  return { normalizedChunk: copy(normalizedChunk), chunk: copy(chunk) };
}
