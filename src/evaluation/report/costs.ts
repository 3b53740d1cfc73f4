import { evaluations, milliseconds } from './format.js';
import type { Row } from './model.js';

/** What a decision costs, by one measure. */
export interface Cost {
  readonly id: string;
  readonly name: string;
  readonly axis: string;
  readonly unit: string;
  /** Whether another adapter would have other values. */
  readonly isTime: boolean;
  of(row: Row): number | undefined;
  show(value: number | undefined): string;
}

export const COSTS: readonly Cost[] = [
  {
    id: 'latency',
    name: 'Latency',
    axis: 'latency per decision, median, ms (logarithmic)',
    unit: ' ms',
    isTime: true,
    of: ({ summary }) => summary.latency?.p50,
    show: milliseconds,
  },
  {
    id: 'evaluations',
    name: 'Evaluations',
    axis: 'U-Net evaluations per decision (logarithmic)',
    unit: ' evaluations',
    isTime: false,
    of: ({ summary }) => summary.evaluationsPerDecision,
    show: evaluations,
  },
  {
    id: 'ticks',
    name: 'Evaluations per tick',
    axis: 'U-Net evaluations per control step (logarithmic)',
    unit: ' evaluations per control step',
    isTime: false,
    of: ({ summary }) => summary.evaluationsPerTick,
    show: (value) => evaluations(value === undefined ? undefined : Number(value.toFixed(2))),
  },
];
