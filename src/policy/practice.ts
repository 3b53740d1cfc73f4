import { type Frame, frameWidth, type Observation } from '../observations/check.js';
import type { ObservationInfo, VectorObservation } from '../spec/policy-spec.js';
import { type Decider, type Given, nextTurn } from './decider.js';
import type { Episode } from './episode.js';
import type { RequestChecks } from './request-checks.js';

/**
 * Makes the next decision of an episode on zeros, without the device and without a trace of it: what a decision reads is then in the processor's
 * caches, which have forgotten it after the milliseconds between two ticks.
 */
export class Practice {
  readonly #decider: Decider;
  readonly #given: () => Given;

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
    try {
      const { strategy, pending } = nextTurn(episode, this.#given());
      // Without the episode, which must not remember it.
      this.#decider.decideOne({ strategy, pending }).catch(() => {});
    } catch {
      return;
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
