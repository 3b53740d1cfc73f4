import { DEFAULT_BUDGET, DEFAULT_STALL, SIGMA } from '../../../strategies/step.js';
import { mean } from '../../statistics.js';
import type { Row } from '../model.js';
import {
  PAPER_SIGMA_SCALE,
  PAPER_SIGMA_STALL,
  PAPER_STEPS,
  PAPER_TABLE_8_SCALE,
  PAPER_TABLE_9_STEPS,
  type PaperStallTask,
} from './stall-tables.js';

/** A strategy of the record beside what the paper has for it. */
export interface StallCell {
  readonly steps: number;
  readonly sigmaScale: number;
  readonly sigmaStall: number;
  /** Success rate there. */
  readonly paper: number;
  readonly row: Row;
  /** Mean over episodes. */
  readonly ticks: number;
  /** Whether the paper's rate lies outside the 95 % interval of ours. */
  readonly isOff: boolean;
}

/**
 * Those of the strategies that the paper's tables have: STEP with its eq. 13, σ_t = 0 as on its robot, and a stall rule of which nothing but its
 * mixture was changed.
 */
export function stallCells(rows: readonly Row[], task: PaperStallTask): StallCell[] {
  return rows.flatMap((row) => {
    const place = placeOf(row);
    const paper = place && paperRate(task, place);
    if (!place || paper === undefined) return [];
    const ticks = mean(row.strategy.episodes.map((episode) => episode.ticks));
    const { low, high } = row.summary.successRate.interval;
    return [{ ...place, paper, row, ticks, isOff: paper < low || paper > high }];
  });
}

type Place = Pick<StallCell, 'steps' | 'sigmaScale' | 'sigmaStall'>;

function placeOf({ strategy: { options } }: Row): Place | undefined {
  if (options.name !== 'STEP' || options.stall === undefined) return undefined;
  const { budget = DEFAULT_BUDGET, warmStart, stall, ...others } = options;
  const { sigmaScale = DEFAULT_STALL.sigmaScale, sigmaStall = DEFAULT_STALL.sigmaStall, ...rule } = stall;
  const isChanged = Object.keys(rule).length > 0 || Object.keys(others).some((key) => key !== 'name');
  if (isChanged || typeof warmStart !== 'object' || warmStart.mode !== 'eq13') return undefined;
  if (warmStart.sigmaT !== 0 || (warmStart.sigma ?? SIGMA) !== SIGMA) return undefined;
  return { steps: budget, sigmaScale, sigmaStall };
}

function paperRate({ bySteps, byScale }: PaperStallTask, { steps, sigmaScale, sigmaStall }: Place): number | undefined {
  const row = PAPER_SIGMA_STALL.indexOf(sigmaStall);
  if (sigmaScale === PAPER_TABLE_8_SCALE) return bySteps[row]?.[PAPER_STEPS.indexOf(steps)];
  return steps === PAPER_TABLE_9_STEPS ? byScale[row]?.[PAPER_SIGMA_SCALE.indexOf(sigmaScale)] : undefined;
}
