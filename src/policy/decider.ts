import type { DecisionInput } from '../decision/decision-input.js';
import type { DecisionPlan } from '../decision/decision-plan.js';
import type { Denoiser } from '../decision/denoiser.js';
import { type GivenNoise, splitGivenNoise } from '../decision/noise.js';
import type { PastChunk, Strategy, StrategyContext } from '../strategies/strategy.js';
import { decideAll, firstRuns, type MadeDecision, type PendingDecision } from './decide.js';
import { type Decision, toDecision } from './decision-result.js';
import type { Episode } from './episode.js';

/** What a caller brings to one decision. */
export interface Sample {
  /** Raw observations f32 [observationSteps][frameWidth], oldest frame first. */
  readonly frames: Float32Array;
  readonly given: GivenNoise;
}

/** Past chunks that a caller brings, one per sample of a batch. */
export interface GivenPast {
  readonly newest: readonly PastChunk[] | undefined;
  readonly before: readonly PastChunk[] | undefined;
}

/** Makes the decisions of a policy: of episodes, or from a past that the caller keeps. */
export class Decider {
  readonly #denoiser: Denoiser;
  readonly #context: StrategyContext;
  readonly #onDecision: ((result: Decision) => void) | undefined;

  constructor(denoiser: Denoiser, context: StrategyContext, onDecision: ((result: Decision) => void) | undefined) {
    this.#denoiser = denoiser;
    this.#context = context;
    this.#onDecision = onDecision;
  }

  /** f32 [b][observationSteps][frameWidth] and noise [b][…], sample by sample. @throws OptionError for unusable noise. */
  splitSamples(frames: Float32Array, batch: number, given: GivenNoise): Sample[] {
    const size = frames.length / batch;
    return splitGivenNoise(given, batch, this.#chunkSize).map((noise, b) => ({
      frames: frames.subarray(b * size, (b + 1) * size),
      given: noise,
    }));
  }

  /** The next decision of episodes that are one batch. */
  async continueTogether(episodes: readonly Episode[], samples: readonly Sample[], seed?: number): Promise<Decision> {
    const [{ strategy }] = episodes as readonly [Episode];
    const started = performance.now();
    const made = await decideAll(this.#denoiser, nextDecisions(episodes, samples, seed), this.#chunkSize);
    const result = this.#result(strategy, made, started);
    remember(episodes, made);
    return result;
  }

  /** The next decisions of episodes that have nothing to do with each other. */
  async continueEach(episodes: readonly Episode[], samples: readonly Sample[]): Promise<Decision[]> {
    const started = performance.now();
    const made = await decideAll(this.#denoiser, nextDecisions(episodes, samples), this.#chunkSize);
    const results = made.map((decision, i) => this.#result((episodes[i] as Episode).strategy, [decision], started));
    remember(episodes, made);
    return results;
  }

  /** A decision that depends on what it is given alone. */
  async decideOnce(strategy: Strategy, samples: readonly Sample[], { newest, before }: GivenPast, seed: number): Promise<Decision> {
    const started = performance.now();
    const maker = strategy.begin();
    const pending = samples.map((sample, b) => ({
      ...sample,
      maker,
      newest: newest?.[b],
      before: before?.[b],
      seed: { seed, episode: 0, decision: 0, sample: b },
    }));
    return this.#result(strategy, await decideAll(this.#denoiser, pending, this.#chunkSize), started);
  }

  /** The first batch of what the next decision of these episodes would run. */
  prepareNext(episodes: readonly Episode[], samples: readonly Sample[]): Promise<{ plan: DecisionPlan; input: DecisionInput }> {
    return this.#denoiser.prepare(firstRuns(nextDecisions(episodes, samples), this.#chunkSize));
  }

  get #chunkSize(): number {
    return this.#context.horizon * this.#context.actionDim;
  }

  #result({ actionSteps }: Strategy, made: readonly MadeDecision[], started: number): Decision {
    const { actionDim, observationSteps } = this.#context;
    // Row 0 belongs to the oldest frame: earlier rows than the newest frame's are in the past.
    const executed = { first: observationSteps - 1, count: actionSteps, actionDim };
    const result = toDecision(made, executed, performance.now() - started);
    this.#onDecision?.(result);
    return result;
  }
}

/** Once the decisions of all of them are made and reported: until then a failure must leave every episode as it was. */
function remember(episodes: readonly Episode[], made: readonly MadeDecision[]): void {
  made.forEach(({ outcome }, i) => (episodes[i] as Episode).push(outcome));
}

function nextDecisions(episodes: readonly Episode[], samples: readonly Sample[], seed?: number): PendingDecision[] {
  return episodes.map((episode, i) => {
    const [newest, before] = episode.past;
    return { ...(samples[i] as Sample), maker: episode.maker, newest, before, seed: episode.nextNoise(seed) };
  });
}
