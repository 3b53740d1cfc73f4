import type { SegmentRun } from '../runtime/plan.js';
import type { OffsetValues } from '../runtime/step-offsets.js';

/** The segments of a recorded decision; `recordDecision` says what each of them does. */
export const SEGMENTS = {
  observe: 'observe',
  predict: 'predict',
  start: 'start',
  evaluate: 'evaluate',
  finish: 'finish',
} as const;

/** The segment of an evaluation by one of several networks of a method. */
export function evaluateSegment(network: string | undefined): string {
  return network === undefined ? SEGMENTS.evaluate : `${SEGMENTS.evaluate} ${network}`;
}

/**
 * What a decision replays, in its order: `evaluate` once per denoising step, with the offsets of that step, and `predict`
 * where a start needs a prediction. Without `offsetsOf` the runs can be counted, not replayed. `networkOf`: which of several networks a step
 * evaluates.
 */
export function decisionRuns(
  steps: number,
  predicted: boolean,
  offsetsOf?: (step: number) => OffsetValues,
  networkOf: (step: number) => string | undefined = () => undefined,
): SegmentRun[] {
  return [
    { segment: SEGMENTS.observe },
    ...(predicted ? [{ segment: SEGMENTS.predict }] : []),
    { segment: SEGMENTS.start },
    ...Array.from({ length: steps }, (_, step) => ({
      segment: evaluateSegment(networkOf(step)),
      step,
      ...(offsetsOf ? { offsets: offsetsOf(step) } : {}),
    })),
    { segment: SEGMENTS.finish },
  ];
}
