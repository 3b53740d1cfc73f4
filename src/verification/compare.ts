/** A tensor of a case against what the engine computed. */
export interface TensorReport {
  /** Name in the case, e.g. `expected.sample.1`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Largest absolute difference; NaN when a value is not a number or the sizes differ. */
  readonly error: number;
  /** Largest absolute expected value; the error is judged relative to it. */
  readonly scale: number;
  /** Allowed error / scale; 0 demands equality. */
  readonly tolerance: number;
  readonly pass: boolean;
}

export function compareTensor(
  name: string,
  shape: readonly number[],
  expected: ArrayLike<number>,
  found: ArrayLike<number>,
  tolerance: number,
): TensorReport {
  let error = expected.length === found.length ? 0 : NaN;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] as number;
    const difference = Math.abs((found[i] ?? NaN) - wanted);
    scale = Math.max(scale, Math.abs(wanted));
    // Math.max keeps NaN, once there.
    error = Math.max(error, difference);
  }
  const pass = error <= tolerance * (scale || 1);
  return { name, shape, error, scale, tolerance, pass };
}

/** f32 [b][time][channels] as [b][channels][time]. */
export function toChannelsFirst(values: Float32Array, batch: number, time: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < time; t++) {
      for (let c = 0; c < channels; c++) {
        out[(b * channels + c) * time + t] = values[(b * time + t) * channels + c] as number;
      }
    }
  }
  return out;
}
