import { ObservationError } from '../foundation/errors.js';
import { type ObservationInfo, valuesInFrame } from '../spec/policy-spec.js';
import type { Frame, Observation, ObservationValue } from './frame.js';

/** The newest frames, as many as a policy observes. Until there are so many, the oldest also stands for those before it. */
export class FrameWindow {
  readonly #features: readonly ObservationInfo[];
  readonly #steps: number;
  #frames: readonly Frame[] = [];

  constructor(features: readonly ObservationInfo[], observationSteps: number) {
    this.#features = features;
    this.#steps = observationSteps;
  }

  /** The frame of a tick after those before. */
  push(frame: Frame): void {
    this.#frames = this.#after(frame);
  }

  /**
   * Its frames, as many as a policy observes, oldest first. With `newest`, as the window is once that is pushed.
   * @throws ObservationError where there is no frame.
   */
  read(newest?: Frame): readonly Frame[] {
    const frames = newest ? this.#after(newest) : this.#frames;
    const [oldest] = frames;
    if (!oldest) throw new ObservationError('a window needs an observation: give one first.');
    const missing = this.#steps - frames.length;
    const read = new Array<Frame>(this.#steps);
    for (let step = 0; step < this.#steps; step++) read[step] = frames[step - missing] ?? oldest;
    return read;
  }

  /**
   * The same by name, as a policy takes it: vectors f32 [observationSteps][size], lists of images. @throws ObservationError where there is
   * no frame.
   */
  observation(): Observation {
    const frames = this.read();
    let column = 0;
    let image = 0;
    return Object.fromEntries(
      this.#features.map((feature): [string, ObservationValue] => {
        const first = column;
        column += valuesInFrame(feature);
        if (feature.kind === 'image') {
          const index = image++;
          return [feature.name, frames.flatMap(({ pictures }) => pictures[index] ?? [])];
        }
        const { name, size } = feature;
        const values = new Float32Array(this.#steps * size);
        frames.forEach((frame, step) => values.set(frame.values.subarray(first, first + size), step * size));
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
