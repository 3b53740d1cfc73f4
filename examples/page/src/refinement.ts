import type { Decision } from 'warmstep';

/** Points of a plan in the units of the robot, x and y of each row. */
export type Path = readonly (readonly [number, number])[];

/** How a decision came about. */
export interface Refinement {
  /** What the predictor made of the last plan; undefined without one. */
  readonly prediction: Path | undefined;
  readonly start: Path;
  /** After each network evaluation; the last is the plan. */
  readonly steps: readonly Path[];
  /** The rows that are executed: the first, and how many. */
  readonly executed: { readonly first: number; readonly count: number };
}

/** From a decision with the probes `start` and `sample`: normalised values, brought to the units of the robot as the plan itself was. */
export function refinementOf(decision: Decision, actionDim: number, firstRow: number): Refinement {
  const toRobot = unnormalizer(decision, actionDim);
  const path = (values: Float32Array): Path =>
    Array.from({ length: Math.floor(values.length / actionDim) }, (_, row) => [
      toRobot(values[row * actionDim] as number, 0),
      toRobot(values[row * actionDim + 1] as number, 1),
    ]);
  const { probes, normalizedChunk, actions } = decision;
  const steps = Array.from({ length: decision.timesteps.length }, (_, step) => probes.get(`sample.${step}`)).filter(
    (one) => one !== undefined,
  );
  const prediction = decision.warm ? probes.get('prediction') : undefined;
  return {
    prediction: prediction && path(prediction),
    start: path(probes.get('start') ?? normalizedChunk),
    steps: steps.length > 0 ? steps.map(path) : [path(normalizedChunk)],
    executed: { first: firstRow, count: actions.length / actionDim },
  };
}

/** What takes a normalised value to the robot's units: a line for each dimension, through two values of this decision. */
function unnormalizer({ normalizedChunk, chunk }: Decision, actionDim: number): (value: number, dimension: number) => number {
  const lines = Array.from({ length: actionDim }, (_, dimension) => {
    const rows = Array.from({ length: chunk.length / actionDim }, (__, row) => row * actionDim + dimension);
    const by = (index: number): number => normalizedChunk[index] as number;
    const low = rows.reduce((a, b) => (by(b) < by(a) ? b : a));
    const high = rows.reduce((a, b) => (by(b) > by(a) ? b : a));
    const spread = by(high) - by(low);
    // All rows alike: there is no line to be seen, and nothing moves.
    const slope = spread > 1e-6 ? ((chunk[high] as number) - (chunk[low] as number)) / spread : 0;
    return { slope, offset: (chunk[low] as number) - slope * by(low) };
  });
  return (value, dimension) => (lines[dimension]?.offset ?? 0) + (lines[dimension]?.slope ?? 1) * value;
}
