import { BackOff } from '../foundation/back-off.js';
import { type Frame, frameWidth, type Observation } from '../observations/frame.js';
import type { ObservationInfo, VectorObservation } from '../spec/policy-spec.js';
import { type Decider, type Given, nextTurn } from './decider.js';
import type { Episode } from './episode.js';
import type { RequestChecks } from './request-checks.js';

/** What takes longer is no preparation any more: it would make the tick late that it is for. */
const MOST_MS = 2;

/**
 * Makes the next decision of an episode on zeros, without the device and without a trace of it: what a decision reads is then in the processor's
 * caches, which have forgotten it after the milliseconds between two ticks. Left out where it takes long: many samples, many steps, a slow processor.
 */
export class Practice {
  readonly #decider: Decider;
  readonly #given: () => Given;
  readonly #backOff = new BackOff();

  constructor(decider: Decider, checks: RequestChecks, observations: readonly ObservationInfo[], observationSteps: number) {
    this.#decider = decider;
    const vectors = observations.filter((one) => one.kind === 'vector');
    if (vectors.length < observations.length) {
      // Zeros stand for the features of images, which no check takes.
      const zeros = { frames: zeroFrames(observations, observationSteps), given: {} };
      this.#given = () => zeros;
    } else {
      const window = zeroWindow(vectors, observationSteps);
      this.#given = () => checks.window('prepare', window, {});
    }
  }

  /** What goes wrong is left to the decision itself, which reports it. */
  run(episode: Episode): void {
    if (episode.actions.length > 0) return;
    if (this.#backOff.isResting) {
      this.#backOff.note(true);
      return;
    }
    const begunMs = performance.now();
    // Also of runs that follow the first: all of it is over before the event loop's next turn.
    const ended = (): void => this.#backOff.note(performance.now() - begunMs <= MOST_MS);
    try {
      const { strategy, pending } = nextTurn(episode, this.#given());
      // Without the episode, which must not remember it.
      this.#decider.decideOne({ strategy, pending }).then(ended, ended);
    } catch {
      ended();
    }
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
