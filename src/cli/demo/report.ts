import type { PolicyInfo } from '../../policy/policy-info.js';
import { milliseconds, plural } from '../format.js';
import { adapterName } from '../load.js';
import { facts, table } from '../table.js';
import { borderJump, innerStep, rmsDistance } from './compare.js';
import { BUDGET, YARDSTICK_STEPS, type Experiment } from './experiment.js';
import type { Sampled } from './sample.js';

/** One strategy's numbers; distances in the units of the action. */
export interface Score {
  readonly strategy: string;
  readonly evaluations: number;
  readonly distanceToYardstick: number;
  /** Undefined for runs that did not decide everywhere. */
  readonly borderJump: number | undefined;
  readonly innerStep: number | undefined;
  readonly latencyMs: Sampled['latency'];
}

export function score(experiment: Experiment, actionDim: number): Score[] {
  const { strategies, floor, yardstick, judged, compared } = experiment;
  const all = (sampled: Sampled, everywhere: boolean): Score => ({
    strategy: sampled.label,
    evaluations: sampled.evaluations,
    distanceToYardstick: rmsDistance(sampled.actions, yardstick.actions, judged),
    borderJump: everywhere ? borderJump(sampled.actions.slice(0, compared), actionDim) : undefined,
    innerStep: everywhere ? innerStep(sampled.actions.slice(0, compared), actionDim) : undefined,
    latencyMs: sampled.latency,
  });
  return [...strategies.map((sampled) => all(sampled, true)), all(floor, false)];
}

/** The demo's summary for people. */
export function demoReport(info: PolicyInfo, ticks: number, experiment: Experiment, scores: readonly Score[]): string {
  const number = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1));
  const time = (value: number | undefined): string => (value === undefined ? '–' : milliseconds(value));
  const { decisions, judged, compared } = experiment;
  const rows = scores.map((row) => [
    row.strategy, String(row.evaluations), number(row.distanceToYardstick), number(row.borderJump), number(row.innerStep),
    time(row.latencyMs?.p50), time(row.latencyMs?.p95), String(row.latencyMs?.count ?? '–'),
  ]);
  return [
    facts([
      ['adapter', adapterName(info)],
      ['policy', `Push-T from state, ${(info.parameters / 1e6).toFixed(1)} million parameters: push a T-shaped block onto its target`],
      ['recording', `${ticks} control ticks of an episode; a decision every ${info.actionSteps} ticks, ${decisions} in all`],
      ['decision', `the next ${info.actionSteps} target positions (x, y) in pixels`],
    ]),
    `STEP starts each decision from a prediction out of the one before and refines it with ${BUDGET} network evaluations; DDIM and\n`
      + `DDPM start from noise. All see the same recorded observations and, per decision, the same noise.`,
    table(['strategy', 'evaluations', 'distance to DDPM', 'jump at borders', 'step inside', 'p50', 'p95', 'timed'], rows),
    notes(info, judged.length, compared).join('\n'),
    actionsTable(experiment, info.actionDim),
  ].join('\n\n');
}

function notes(info: PolicyInfo, judged: number, compared: number): string[] {
  return [
    `distance to DDPM  RMS in pixels between the executed actions and those of DDPM with ${YARDSTICK_STEPS} evaluations, over `
      + `${plural(judged, 'decision')}.`,
    '                  DDPM is stochastic: the last row is how far two of its own answers, from different noise, are apart.',
    '                  Nobody acts on these actions: it says how alike they are, not how well they push.',
    'jump at borders   mean distance from the last action of a decision to the first of the next, over the first '
      + `${plural(compared, 'decision')};`,
    '                  step inside: the same for successive actions of one decision.',
    'p50, p95          latency of a decision, from observation to actions; STEP: of warm decisions (the first one of an',
    '                  episode is cold: DDIM with 16 evaluations).',
    ...(info.adapter.isFallback
      ? ['                  This is a software adapter, which shares the processor with everything else: these times mean nothing.']
      : []),
  ];
}

/** The first actions of one decision, side by side. */
function actionsTable({ strategies, yardstick, judged }: Experiment, actionDim: number): string {
  const index = judged[Math.floor(judged.length / 2)] as number;
  const shown = [...strategies, yardstick];
  const rows = Array.from({ length: 4 }, (_, row) => [
    String(row + 1),
    ...shown.map(({ actions }) => {
      const action = (actions[index] as Float32Array).subarray(row * actionDim, (row + 1) * actionDim);
      return Array.from(action, (value) => value.toFixed(1)).join(', ');
    }),
  ]);
  return `actions of decision ${index + 1}:\n${table(['action', ...shown.map(({ label }) => label)], rows)}`;
}
