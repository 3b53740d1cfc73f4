import { makeSchedule, type NetworkOutputTerms, type Schedule } from './solver-step.js';

/** One evaluation whose x0 is the result; `levels`: what the network embeds. */
export function oneEvaluation(terms: NetworkOutputTerms, levels: readonly number[]): Schedule {
  return makeSchedule('method', [{ ...terms, levels, fromX0: 1, fromEps: 0, fromSample: 0, fromPreviousX0: 0, fromNoise: 0 }]);
}
