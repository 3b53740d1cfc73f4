import type { Contraction, EndToEnd } from '../../analysis/contraction.js';
import type { RatioSpread } from '../../analysis/spread.js';
import { facts, table } from '../../terminal/table.js';

const STEP_HEADER = ['timestep', 'mean', 'min', '5 %', '50 %', '95 %', 'max', 'above 1', 'carried mean', 'carried max', 'above 1'];

export const HOW_TO_READ = [
  'Ratio ‖μ(x+δ) − μ(x)‖ / ‖δ‖ of each step, root mean squares over the chunk: below 1 the step contracts, above 1 it expands.',
  'The first columns are of random directions: their largest ratio is at most the Lipschitz constant of the step, so values below 1',
  'do not prove that it contracts. "carried" are displacements of the start, in the directions that the steps before left of them;',
  'those shrunk below 1e-5 are left out. "end to end" is what becomes of a displaced start, with equal noise; products',
  "are of the steps' ratios in random directions.",
].join('\n');

/** The tables of one measurement, one per delta; values as they were measured, whatever they are. */
export function contractionTables(title: string, contraction: Contraction): string {
  return [
    title,
    ...contraction.endToEnd.flatMap((end, index) => [
      `‖δ‖ = ${end.delta}`,
      table(
        STEP_HEADER,
        contraction.steps.map(({ timestep, spreads }) => {
          const spread = spreads[index];
          return [String(timestep), ...freshCells(spread?.fresh), ...carriedCells(spread?.carried)];
        }),
      ),
      facts(endToEnd(end)),
    ]),
  ].join('\n\n');
}

function freshCells(spread: RatioSpread | undefined): string[] {
  if (!spread) return [];
  const { mean, min, p5, p50, p95, max, shareAbove1 } = spread;
  return [...[mean, min, p5, p50, p95, max].map(ratio), percent(shareAbove1)];
}

function carriedCells(spread: RatioSpread | null | undefined): string[] {
  return spread ? [ratio(spread.mean), ratio(spread.max), percent(spread.shareAbove1)] : ['–', '–', '–'];
}

function endToEnd({ measured, productOfMeans, productOfMaxima, roundingFloor }: EndToEnd): [string, string][] {
  const range = `mean ${short(measured.mean)}, ${short(measured.min)} to ${short(measured.max)}, ${percent(measured.shareAbove1)} above 1`;
  const exceeded = measured.max > Math.max(productOfMaxima, roundingFloor);
  return [
    ['end to end', measured.mean < roundingFloor ? `${range}: rounding, which is about ${short(roundingFloor)}` : range],
    ['product of means', short(productOfMeans)],
    [
      'product of maxima',
      `${short(productOfMaxima)}${exceeded ? ', less than was measured: random directions missed those that shrink least' : ''}`,
    ],
  ];
}

function ratio(value: number): string {
  return value.toFixed(4);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Three digits that mean something, however small the value is. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
