import { ObservationError } from '../foundation/errors.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import { type Frame, frameWidth, type Observation } from './check.js';

/** The newest frames, as many as a policy observes. Until there are so many, the oldest also stands for those before it. */
export class FrameWindow {
  readonly #features: readonly ObservationInfo[];
  readonly #steps: number;
  #frames: readonly Frame[] = [];

  constructor(features: readonly ObservationInfo[], observationSteps: number) {
    this.#features = features;
    this.#steps = observationSteps;
  }

  /** The frame of a tick after those before; the window keeps it and does not change it. */
  push(frame: Frame): void {
    this.#frames = this.#after(frame);
  }

  /**
   * A copy, f32 [observationSteps][frameWidth], oldest frame first. With `newest`, as the window is once that is pushed.
   * @throws ObservationError where there is no frame.
   */
  read(newest?: Frame): Float32Array {
    const frames = newest ? this.#after(newest) : this.#frames;
    const [oldest] = frames;
    if (!oldest) throw new ObservationError('a window needs an observation: give one first.');
    const width = frameWidth(this.#features);
    const values = new Float32Array(this.#steps * width);
    const missing = this.#steps - frames.length;
    for (let step = 0; step < this.#steps; step++) values.set(frames[step - missing] ?? oldest, step * width);
    return values;
  }

  /** The same by name, f32 [observationSteps][size], as a policy takes it. @throws ObservationError where there is no frame. */
  observation(): Observation {
    const frames = this.read();
    const width = frameWidth(this.#features);
    let column = 0;
    return Object.fromEntries(
      this.#features.map(({ name, size }) => {
        const values = new Float32Array(this.#steps * size);
        for (let step = 0; step < this.#steps; step++) {
          const first = step * width + column;
          values.set(frames.subarray(first, first + size), step * size);
        }
        column += size;
        return [name, values];
      }),
    );
  }

  clear(): void {
    this.#frames = [];
  }

  #after(frame: Frame): readonly Frame[] {
    return [...this.#frames, frame].slice(-this.#steps);
  }
}
