import { CheckpointError } from '../../foundation/errors.js';
import { joinedFloats } from '../../foundation/joined.js';
import type { Decision } from '../../policy/policy.js';
import type { GoldenCase } from '../golden-case.js';
import type { MethodRun } from './define.js';
import { CONDITIONING } from './stand-in-policy.js';

/** Noise of a decision of a batch, for one sample. */
export interface SampleNoise {
  readonly normals: Float32Array;
  readonly stepNoise: readonly Float32Array[];
}

/** Episodes of all samples of a case, which decide together, and as far as they are recorded. */
export class EpisodeBatch {
  readonly #run: MethodRun;
  readonly #episodes: readonly ReturnType<MethodRun['policy']['beginEpisode']>[];

  constructor(run: MethodRun, batch: number) {
    this.#run = run;
    this.#episodes = Array.from({ length: batch }, () => run.policy.beginEpisode());
  }

  /** The next decision of every sample, over the conditioning f32 [b][G]; `noise` of sample b. Without noise it is drawn. */
  decide(conditioning: Float32Array, noise?: (b: number) => SampleNoise): Promise<Decision[]> {
    const windows = parts(conditioning, this.#episodes.length);
    return this.#run.policy.decideAll(
      this.#episodes.map((episode, b) => ({ episode, window: { [CONDITIONING]: windows[b] as Float32Array }, ...noise?.(b) })),
    );
  }
}

/** As many equal parts of a tensor, one after the other. */
export function parts(values: Float32Array, count: number): Float32Array[] {
  const size = values.length / count;
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** A recorded tensor [rows, b, …] by row and by sample. */
export async function rowsBySample(golden: GoldenCase, name: string): Promise<readonly (readonly Float32Array[])[]> {
  const [rows = 1, batch = 1] = golden.shape(name);
  return parts(await golden.values(name), rows).map((row) => parts(row, batch));
}

/** An inner value of a batch. */
export function innerValue(decisions: readonly Decision[], name: string): Float32Array {
  const values = decisions[0]?.probes.get(name);
  if (!values) throw new CheckpointError(`the case expects a value that the engine has as "${name}", which is none of this decision.`);
  return values;
}

/** The executed rows of a batch. */
export function actionsOf(decisions: readonly Decision[]): Float32Array {
  return joinedFloats(decisions.map(({ actions }) => actions));
}
