/** Executed actions of successive decisions, each f32 [actionSteps][actionDim], in the units of the robot. */
export type Decisions = readonly Float32Array[];

/** Root mean square difference of two decisions' actions, over rows and dimensions, for the decisions listed. */
export function rmsDistance(actions: Decisions, others: Decisions, indices: readonly number[]): number {
  let sum = 0;
  let values = 0;
  for (const index of indices) {
    const other = others[index];
    actions[index]?.forEach((value, i) => {
      sum += (value - (other?.[i] ?? Number.NaN)) ** 2;
      values++;
    });
  }
  return Math.sqrt(sum / values);
}

/** Mean distance between the last action of a decision and the first of the next one. */
export function borderJump(actions: Decisions, actionDim: number): number {
  const jumps = actions.slice(1).map((next, i) => distance((actions[i] as Float32Array).slice(-actionDim), next));
  return mean(jumps);
}

/** Mean distance between successive actions inside a decision: what a jump at a border is to be compared with. */
export function innerStep(actions: Decisions, actionDim: number): number {
  return mean(actions.flatMap((rows) =>
    Array.from({ length: rows.length / actionDim - 1 }, (_, row) =>
      distance(rows.subarray(row * actionDim, (row + 1) * actionDim), rows.subarray((row + 1) * actionDim)))));
}

/** Euclidean distance over the dimensions of the first. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, i) => value - (b[i] as number)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
