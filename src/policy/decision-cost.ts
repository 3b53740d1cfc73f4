import type { DecisionPlan } from '../decision/decision-plan.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { type Strategy, usesPrediction } from '../strategies/strategy.js';
import type { DecisionCost } from './decision-result.js';

/** What a usual decision of a strategy costs by the plan of its batch of one. */
export function decisionCost(strategy: Strategy, plan: DecisionPlan, { parameters }: PolicyNetworks): DecisionCost {
  const { usual, needs } = strategy;
  const of = [usual.steps.length, usesPrediction(strategy), usual] as const;
  return {
    dispatches: plan.total('dispatchCount', ...of),
    weightBytes: plan.total('weightBytes', ...of),
    trainedParameters: needs.reduce((sum, { network }) => sum + (parameters.get(network) ?? 0), 0),
  };
}
