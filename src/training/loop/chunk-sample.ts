/** A chunk of the validation data, and what the network made of the same situation; normalised, rows × actions. */
export interface ChunkSample {
  readonly rows: number;
  readonly actionDim: number;
  readonly target: readonly number[];
  readonly predicted: readonly number[];
  /** What the network was given as the chunk before; undefined for a network that reads none. */
  readonly previous?: readonly number[];
}
