/** A sample that a decision passed through on its way to a chunk. */
export interface VisitedSample {
  /** Normalised, f32 [horizon][actionDim]. */
  readonly sample: Float32Array;
  /** Index of the solver step that comes next. */
  readonly step: number;
}

/** The newest samples of an episode, as many as fit. Does not change: adding to it makes another one. */
export class FalconBuffer {
  /** Oldest decision first, of one decision the noisiest first: the order in which they are forgotten. */
  readonly samples: readonly VisitedSample[];
  readonly #capacity: number;

  constructor(capacity: number, samples: readonly VisitedSample[] = []) {
    this.#capacity = capacity;
    this.samples = samples.slice(-capacity);
  }

  /** With the samples of one more decision, in the order of its steps. */
  with(visited: readonly VisitedSample[]): FalconBuffer {
    return new FalconBuffer(this.#capacity, [...this.samples, ...visited]);
  }
}
