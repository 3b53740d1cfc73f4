import { checkFrame } from '../observations/check.js';
import { type Frame, type Observation, observationOf } from '../observations/frame.js';
import { FrameWindow } from '../observations/window.js';
import type { ObservationInfo } from '../spec/policy-spec.js';

/**
 * The newest observations at the spacing of ticks, whatever the rate of the sensors: the observation that is current at
 * a tick is the tick's frame. Where sensors are slower than ticks, frames repeat.
 */
export class ObservationWindow {
  readonly #features: readonly ObservationInfo[];
  readonly #window: FrameWindow;
  #current: { readonly frame: Frame; readonly atMs: number } | undefined;
  #newestAtMs: number | undefined;

  constructor(features: readonly ObservationInfo[], observationSteps: number) {
    this.#features = features;
    this.#window = new FrameWindow(features, observationSteps);
  }

  /** When the observation of the newest frame came; undefined before the first. */
  get newestAtMs(): number | undefined {
    return this.#newestAtMs;
  }

  /**
   * Copies an observation, which is current from then on, and returns the copy. @throws ObservationError; what was current stays so.
   */
  push(observation: Observation, atMs: number): Observation {
    const frame = checkFrame(this.#features, observation, 'observe');
    this.#current = { frame, atMs };
    return observationOf(this.#features, frame);
  }

  /**
   * Takes the frame of a tick. After skipped ticks the window begins anew: frames that lie further apart than a tick
   * would look like a robot that moves that much faster.
   */
  tick(skipped: number): void {
    if (!this.#current) return;
    if (skipped > 0) this.#window.clear();
    this.#window.push(this.#current.frame);
    this.#newestAtMs = this.#current.atMs;
  }

  /** The window for a decision, by name. @throws ObservationError before the first frame. */
  read(): Observation {
    return this.#window.observation();
  }

  clear(): void {
    this.#current = undefined;
    this.#newestAtMs = undefined;
    this.#window.clear();
  }
}
