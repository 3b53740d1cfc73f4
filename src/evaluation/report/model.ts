import type { Scene } from '../../envs/scene.js';
import { OptionError } from '../../foundation/errors.js';
import { DEFAULT_BUDGET } from '../../strategies/step.js';
import type { EvaluationRecord, StrategyRecord } from '../record.js';
import type { PairedDifference } from '../statistics.js';
import { bootstrapsOf, leadsOf, type StrategySummary, summariesOf } from '../summary.js';

/** How a strategy looks, wherever it appears. */
export interface Look {
  /** A CSS colour. */
  readonly colour: string;
  /** Of lines, as `stroke-dasharray`; undefined for a solid line. */
  readonly dash: string | undefined;
  readonly shape: Shape;
}

export type Shape = 'circle' | 'square' | 'diamond' | 'triangle';

export interface Row {
  /** Place in the record. */
  readonly index: number;
  readonly strategy: StrategyRecord;
  readonly summary: StrategySummary;
  readonly look: Look;
}

/** What every section of the report is made from. */
export interface ReportModel {
  readonly record: EvaluationRecord;
  /** Of the record's task. */
  readonly scene: Scene;
  readonly rows: readonly Row[];
  /**
   * Names of strategies that are many and alike, members of heat maps: plots show them behind the others, which are why one
   * looks there. Empty where there is nothing else.
   */
  readonly crowd: ReadonlySet<string>;
  /** The strategy that the report opens with a question about: STEP with two evaluations, beside others. Undefined where there is none. */
  readonly focus: Row | undefined;
  /** Its scores minus those of each row, on the same seeds, in the order of the rows. Empty without it. */
  readonly leads: readonly (PairedDifference | undefined)[];
}

/** Distinct for colour-blind eyes too (palette of Okabe and Ito 2008; brown for its black, which a dark page swallows; grey says something else). */
export const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8d6e63'] as const;
/** With the colours used up, lines and points tell strategies apart by another form. */
const FORMS: readonly Omit<Look, 'colour'>[] = [
  { dash: undefined, shape: 'circle' },
  { dash: '7 4', shape: 'square' },
  { dash: '2 3', shape: 'diamond' },
  { dash: '9 3 2 3', shape: 'triangle' },
];

/** Of a record that was checked. @throws OptionError for a record without strategies, and for a strategy without episodes. */
export function reportModel(record: EvaluationRecord, scene: Scene): ReportModel {
  if (record.strategies.length === 0) {
    throw new OptionError('a report needs at least one strategy, the record has none: evaluate one');
  }
  const bootstrapOf = bootstrapsOf(record.seed);
  const summaries = summariesOf(record, bootstrapOf);
  const rows = record.strategies.map((strategy, index) => {
    return { index, strategy, summary: summaries[index] as StrategySummary, look: lookOf(index) };
  });
  const focus = focusOf(rows);
  return { record, scene, rows, crowd: crowdOf(record), focus, leads: focus ? leadsOf(focus.index, record, bootstrapOf) : [] };
}

/** Variants of STEP alone raise another question. */
function focusOf(rows: readonly Row[]): Row | undefined {
  const isStep = ({ strategy }: Row): boolean => strategy.options.name === 'STEP';
  if (rows.every(isStep)) return undefined;
  return rows.find(({ strategy: { options } }) => options.name === 'STEP' && (options.budget ?? DEFAULT_BUDGET) === 2);
}

function crowdOf({ grids, strategies }: EvaluationRecord): Set<string> {
  const members = new Set(grids.filter(({ axes }) => axes.length > 1).flatMap(({ cells }) => cells));
  return strategies.every(({ name }) => members.has(name)) ? new Set() : members;
}

function lookOf(index: number): Look {
  const form = FORMS[Math.floor(index / COLOURS.length) % FORMS.length] as Omit<Look, 'colour'>;
  return { ...form, colour: COLOURS[index % COLOURS.length] as string };
}
