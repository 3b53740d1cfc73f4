import { ObservationError } from '../foundation/errors.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { Observation } from './check.js';

interface Frame {
  /** A copy per feature, in the order of the features. */
  readonly values: readonly Float32Array[];
  readonly atMs: number;
}

/**
 * The newest observations at the spacing of ticks, whatever the rate of the sensors: the observation that is current at
 * a tick is the tick's frame. Where sensors are slower than ticks, frames repeat.
 */
export class ObservationWindow {
  readonly #features: readonly ObservationInfo[];
  readonly #steps: number;
  #current: Frame | undefined;
  #frames: readonly Frame[] = [];

  constructor(features: readonly ObservationInfo[], observationSteps: number) {
    this.#features = features;
    this.#steps = observationSteps;
  }

  /** When the observation of the newest frame came; undefined before the first. */
  get newestAtMs(): number | undefined {
    return this.#frames.at(-1)?.atMs;
  }

  /**
   * Copies an observation, which is current from then on.
   * @throws ObservationError naming the feature: missing, unknown, wrong length, not finite. What was current stays so.
   */
  push(observation: Observation, atMs: number): void {
    checkNames(this.#features, observation);
    this.#current = { values: this.#features.map((feature) => copyValues(feature, observation)), atMs };
  }

  /**
   * Takes the frame of a tick. After skipped ticks the window begins anew: frames that lie further apart than a tick
   * would look like a robot that moves that much faster.
   */
  tick(skipped: number): void {
    if (!this.#current) return;
    const before = skipped > 0 ? [] : this.#frames;
    this.#frames = [...before, this.#current].slice(-this.#steps);
  }

  /** The window for a decision, oldest frame first; the oldest stands also for those before it. Needs a frame. */
  read(): Observation {
    const [oldest] = this.#frames;
    if (!oldest) throw new ObservationError('a window needs an observation: call observe() first.');
    const frames = [...Array.from({ length: this.#steps - this.#frames.length }, () => oldest), ...this.#frames];
    return Object.fromEntries(
      this.#features.map(({ name, size }, index) => {
        const values = new Float32Array(this.#steps * size);
        frames.forEach((frame, step) => values.set(frame.values[index] as Float32Array, step * size));
        return [name, values];
      }),
    );
  }

  clear(): void {
    this.#current = undefined;
    this.#frames = [];
  }
}

function checkNames(features: readonly ObservationInfo[], observation: Observation): void {
  if (typeof observation !== 'object' || observation === null) {
    throw new ObservationError(`observe: an observation must be an object of arrays by name, found ${String(observation)}.`);
  }
  const unknown = Object.keys(observation).find((key) => !features.some(({ name, feature }) => key === name || key === feature));
  if (unknown === undefined) return;
  const known = features.map(({ name }) => name).join(', ');
  throw new ObservationError(`observe: "${unknown}" is not known to this policy. It reads: ${known}.`);
}

function copyValues({ name, feature, size }: ObservationInfo, observation: Observation): Float32Array {
  const values: unknown = observation[name] ?? observation[feature];
  if (typeof values !== 'object' || values === null || !('length' in values) || values.length !== size) {
    const isArray = typeof values === 'object' && values !== null && 'length' in values;
    const found = isArray ? `${String(values.length)} values` : typeof values;
    throw new ObservationError(`observe: "${name}" must be an array of ${size} numbers, found ${found}.`);
  }
  const given = values as ArrayLike<unknown>;
  return Float32Array.from({ length: size }, (_, i) => {
    const value = given[i];
    const rounded = typeof value === 'number' ? Math.fround(value) : NaN;
    if (Number.isFinite(rounded)) return rounded;
    throw new ObservationError(`observe: "${name}" has ${String(value)} at index ${i}: finite f32 numbers are needed. Check the sensor.`);
  });
}
