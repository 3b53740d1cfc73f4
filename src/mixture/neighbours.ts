import type { CheckedDemonstrations } from './demonstrations.js';
import { Scaling } from './scaling.js';

/** A demonstrated chunk, and how much an observation speaks for it. */
export interface Neighbour {
  /** −d²/2h² less that of the nearest, so that the largest is 0. */
  readonly logWeight: number;
  /** Normalised, [horizon][actionDim]. */
  readonly chunk: Float64Array;
}

export interface NeighbourOptions {
  /** h: of the Gaussian kernel on observations. */
  readonly bandwidth: number;
  /** Nearest frames that are looked at. */
  readonly neighbours: number;
  readonly horizon: number;
  readonly observationSteps: number;
}

/**
 * Demonstrated chunks by what was observed when they began. An observation's coordinates are the values of its newest frame, times their
 * scales, and their changes since the frame before, where the policy observes more than one.
 */
export class Neighbours {
  readonly #options: NeighbourOptions;
  /** Of each value of a frame. */
  readonly #scales: readonly number[];
  /** Of its change, beside its scale. */
  readonly #changes: readonly number[];
  readonly #isMoving: boolean;
  /** [frames][coordinates] */
  readonly #coordinates: Float64Array;
  /** Of the chunk that begins observationSteps − 1 rows before each frame. */
  readonly #chunks: readonly Float64Array[];

  constructor(demonstrations: CheckedDemonstrations, action: Scaling, options: NeighbourOptions) {
    const { observations, frames, episodeEnds } = demonstrations;
    this.#options = options;
    this.#isMoving = options.observationSteps > 1;
    const width = observations.reduce((sum, { size }) => sum + size, 0);
    const rows = new Float64Array(frames * width);
    let first = 0;
    for (const { size, values } of observations) {
      for (let frame = 0; frame < frames; frame++) rows.set(values.subarray(frame * size, (frame + 1) * size), frame * width + first);
      first += size;
    }
    this.#scales = observations.flatMap(({ values, size, scales }) => scales ?? new Scaling(values, size).gains);
    this.#changes = observations.flatMap(({ size, changes }) => new Array<number>(size).fill(changes));
    this.#coordinates = new Float64Array(frames * this.#size);
    const chunks: Float64Array[] = [];
    let begin = 0;
    for (const end of episodeEnds) {
      for (let frame = begin; frame < end; frame++) {
        const before = Math.max(begin, frame - 1);
        this.#coordinates.set(this.#coordinatesOf(rows, frame * width, before * width), frame * this.#size);
        chunks.push(chunkFrom(demonstrations, action, frame - (options.observationSteps - 1), begin, end, options.horizon));
      }
      begin = end;
    }
    this.#chunks = chunks;
  }

  /** The chunks of the nearest frames. `window`: raw, [observationSteps][width], oldest frame first. */
  of(window: ArrayLike<number>): Neighbour[] {
    const { observationSteps, bandwidth, neighbours } = this.#options;
    const width = this.#scales.length;
    const newest = (observationSteps - 1) * width;
    const place = this.#coordinatesOf(window, newest, Math.max(0, newest - width));
    const distances = new Float64Array(this.#chunks.length);
    for (let frame = 0, at = 0; frame < distances.length; frame++) {
      let sum = 0;
      for (let i = 0; i < place.length; i++, at++) {
        const difference = (place[i] as number) - (this.#coordinates[at] as number);
        sum += difference * difference;
      }
      distances[frame] = sum;
    }
    // By distance, and only then by place: frames of a pause are equal to the last bit, and must not push nearer ones out.
    const nearest = withinReach(distances, neighbours)
      .sort((a, b) => (distances[a] as number) - (distances[b] as number) || a - b)
      .slice(0, neighbours);
    const least = distances[nearest[0] as number] as number;
    return nearest.map((frame) => ({
      logWeight: (least - (distances[frame] as number)) / (2 * bandwidth * bandwidth),
      chunk: this.#chunks[frame] as Float64Array,
    }));
  }

  /** Coordinates of a frame. */
  get #size(): number {
    return this.#scales.length * (this.#isMoving ? 2 : 1);
  }

  #coordinatesOf(rows: ArrayLike<number>, newest: number, before: number): Float64Array {
    const width = this.#scales.length;
    const coordinates = new Float64Array(this.#size);
    for (let column = 0; column < width; column++) {
      const scale = this.#scales[column] as number;
      const now = rows[newest + column] as number;
      coordinates[column] = scale * now;
      if (!this.#isMoving) continue;
      coordinates[width + column] = (this.#changes[column] as number) * scale * (now - (rows[before + column] as number));
    }
    return coordinates;
  }
}

/** Normalised; rows before the begin of the episode are its first action, those after its end its last. */
function chunkFrom(
  { actions, actionDim }: CheckedDemonstrations,
  scaling: Scaling,
  first: number,
  begin: number,
  end: number,
  horizon: number,
): Float64Array {
  const chunk = new Float64Array(horizon * actionDim);
  for (let row = 0; row < horizon; row++) {
    const frame = Math.min(end - 1, Math.max(begin, first + row));
    for (let column = 0; column < actionDim; column++) {
      chunk[row * actionDim + column] = scaling.scaled(actions[frame * actionDim + column] as number, column);
    }
  }
  return chunk;
}

/** Places of all distances that are no greater than the count-th smallest: sorting numbers is quick, sorting places by them is not. */
function withinReach(distances: Float64Array, count: number): number[] {
  const farthest = distances.slice().sort()[count - 1] ?? Infinity;
  const places: number[] = [];
  distances.forEach((distance, place) => {
    if (distance <= farthest) places.push(place);
  });
  return places;
}
