import type { RunLimit } from '../decision/denoiser.js';
import { BackOff } from '../foundation/back-off.js';
import { type Frame, frameWidth, type Observation } from '../observations/frame.js';
import type { ObservationInfo, VectorObservation } from '../spec/policy-spec.js';
import type { PrepareOptions } from '../spec/prepare-options.js';
import { type Decider, type Given, nextTurn } from './decider.js';
import type { Episode } from './episode.js';
import type { RequestChecks } from './request-checks.js';

/** What takes longer on the host is no preparation any more: it would make the tick late that it is for. */
const MOST_MS = 2;
/** The same of the device: a decision that comes too early waits that long at most. */
const MOST_DEVICE_MS = 1.5;
/** Whoever waited for less did not wait. */
const LEAST_MS = 0.1;

/** What practice is part of. */
export interface PracticeParts {
  /** Makes decisions that nobody sees, on the device within the limit. */
  readonly decider: Decider;
  readonly limit: RunLimit;
  readonly checks: Pick<RequestChecks, 'zeros'>;
  readonly observations: readonly ObservationInfo[];
  readonly observationSteps: number;
  /** Whether somebody waits for the end of it. */
  readonly isAwaited: () => boolean;
}

/**
 * Makes the next decision of an episode on zeros, without a trace of it: what a decision reads is then in the processor's caches, which have forgotten it
 * after the milliseconds between two ticks. Where decisions are short the device makes it too. Left out where it takes long (many samples, many steps,
 * a slow processor) or where a decision had to wait for it.
 */
export class Practice {
  readonly #parts: PracticeParts;
  readonly #given: () => Given;
  readonly #backOff = new BackOff();
  /** Whether the one before took no longer, and nobody waited for it. */
  #wasGood = true;

  constructor(parts: PracticeParts) {
    this.#parts = parts;
    const { checks, observations, observationSteps } = parts;
    const vectors = observations.filter((one) => one.kind === 'vector');
    if (vectors.length < observations.length) {
      // Zeros stand for the features of images, which no check takes.
      const zeros = { frames: zeroFrames(observations, observationSteps), given: {} };
      this.#given = () => zeros;
    } else {
      const window = zeroWindow(vectors, observationSteps);
      this.#given = () => checks.zeros(window);
    }
  }

  /** What goes wrong is left to the decision itself, which reports it. */
  run(episode: Episode, { on = 'device' }: PrepareOptions): Promise<void> | void {
    if (episode.actions.length > 0) return;
    if (this.#backOff.isResting) {
      this.#backOff.note(true);
      return;
    }
    const { limit, isAwaited } = this.#parts;
    const isWithDevice = on === 'device';
    const begunMs = performance.now();
    let returnedMs = Infinity;
    const ended = (): void => {
      const endedMs = performance.now();
      const isShort = Math.min(returnedMs, endedMs) - begunMs <= MOST_MS;
      const isGood = isShort && !(isAwaited() && endedMs - returnedMs > LEAST_MS);
      // Once is a neighbour's doing: who is interrupted takes longer too.
      this.#backOff.note(isGood || this.#wasGood);
      this.#wasGood = isGood;
    };
    // Once more without the device: what comes before the submit was a while ago by then, and takes a twentieth of a millisecond.
    const again = async (): Promise<void> => {
      if (isAwaited()) return;
      limit.withinMs = undefined;
      await this.#decide(episode);
    };
    limit.withinMs = isWithDevice ? MOST_DEVICE_MS : -Infinity;
    try {
      const decided = this.#decide(episode);
      const practised = (isWithDevice ? decided.then(again) : decided).then(ended, ended);
      returnedMs = performance.now();
      return practised;
    } catch {
      ended();
    }
  }

  /** @throws as the decision, at once or as a rejection. */
  #decide(episode: Episode): Promise<unknown> {
    const { strategy, pending } = nextTurn(episode, this.#given());
    // Without the episode, which must not remember it.
    return this.#parts.decider.decideOne({ strategy, pending });
  }
}

/** Frames of zeros, also where the features of images belong. */
export function zeroFrames(observations: readonly ObservationInfo[], steps: number): Frame[] {
  const width = frameWidth(observations);
  return Array.from({ length: steps }, () => ({ values: new Float32Array(width), pictures: [] }));
}

function zeroWindow(vectors: readonly VectorObservation[], steps: number): Observation {
  return Object.fromEntries(vectors.map(({ name, size }) => [name, new Float32Array(steps * size)]));
}
