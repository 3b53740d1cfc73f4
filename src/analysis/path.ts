import { rmsDistance, SMALLEST_DISPLACEMENT, sum } from './perturbation.js';

/** Ratios along the way from one start; arrays have an entry per displacement. */
export interface PathRatios {
  readonly steps: readonly StepRatios[];
  /** Displaced at the start and then left to the solver: ‖displaced chunk − chunk‖ / ‖δ‖. */
  readonly end: readonly number[];
}

export interface StepRatios {
  /** Displaced anew, at this step. */
  readonly fresh: readonly number[];
  /** Displaced at the start; undefined where too little is left of it to be told from rounding. */
  readonly carried: readonly (number | undefined)[];
}

/**
 * Follows the solver from a start, step by step. `noise`: what each step adds to its mean, f32 [horizon][actionDim].
 * `evaluate`: the mean map of a step, for many samples.
 */
export async function followPath(
  start: Float32Array,
  displacements: readonly Float64Array[],
  noise: readonly Float32Array[],
  evaluate: (step: number, samples: readonly Float32Array[]) => Promise<Float32Array[]>,
): Promise<PathRatios> {
  const displaced = (centre: Float32Array): Float32Array[] => displacements.map((change) => sum(centre, change));
  // As f32 keeps the displacement: next to a sample of about 1 it loses its last digits.
  const distances = (samples: readonly Float32Array[], centre: Float32Array): number[] =>
    samples.map((sample) => rmsDistance(sample, centre));
  const steps: StepRatios[] = [];
  let centre = start;
  let carried = displaced(start);
  const before = distances(carried, start);
  for (const [k, added] of noise.entries()) {
    const fresh = displaced(centre);
    const [image, ...images] = (await evaluate(k, [centre, ...fresh, ...carried])) as [Float32Array, ...Float32Array[]];
    const sizes = distances([...fresh, ...carried], centre);
    const ratios = distances(images, image).map((distance, i) => distance / (sizes[i] as number));
    const count = fresh.length;
    steps.push({
      fresh: ratios.slice(0, count),
      carried: ratios.slice(count).map((ratio, i) => ((sizes[count + i] as number) < SMALLEST_DISPLACEMENT ? undefined : ratio)),
    });
    centre = sum(image, added);
    carried = images.slice(count).map((sample) => sum(sample, added));
  }
  return { steps, end: distances(carried, centre).map((distance, i) => distance / (before[i] as number)) };
}
