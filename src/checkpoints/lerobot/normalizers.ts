import { CheckpointError } from '../../foundation/errors.js';
import type { NormalizationMode, Normalizer, Unnormalizer } from '../../spec/policy-spec.js';

/** How a pair of statistics is used; LeRobot's modes and the pairs they read (processor/normalize_processor.py). */
export const MODES: ReadonlyMap<string, { readonly mode: NormalizationMode; readonly pair: readonly [string, string] }> = new Map([
  ['MIN_MAX', { mode: 'min-max', pair: ['min', 'max'] }],
  ['MEAN_STD', { mode: 'mean-std', pair: ['mean', 'std'] }],
  ['QUANTILES', { mode: 'quantiles', pair: ['q01', 'q99'] }],
  ['QUANTILE10', { mode: 'quantile10', pair: ['q10', 'q90'] }],
] as const);

/** A mode as LeRobot writes it: its name, and the pair of statistics that it reads. */
export interface WrittenMode {
  readonly name: string;
  readonly pair: readonly [string, string];
}

/** MODES backwards; undefined for a mode that reads no statistics. */
export function writtenMode(mode: NormalizationMode): WrittenMode | undefined {
  const found = [...MODES].find(([, known]) => known.mode === mode);
  return found && { name: found[0], pair: found[1].pair };
}

/** What a mode needs to become a Normalizer: its pair of statistics, in the order of MODES. */
export interface Statistics {
  readonly mode: NormalizationMode;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly eps: number;
  /** Up to LeRobot v0.3 eps was added to every range; since then it replaces ranges that are exactly zero. */
  readonly epsAdded: boolean;
  /** Where the statistics came from, for messages. */
  readonly where: string;
}

export function identityNormalizer(size: number): Normalizer {
  return {
    mode: 'identity',
    subtract: filled(size, 0),
    divide: filled(size, 1),
    multiply: filled(size, 1),
    add: filled(size, 0),
  };
}

export function identityUnnormalizer(size: number): Unnormalizer {
  return {
    mode: 'identity',
    add: filled(size, 0),
    halve: filled(size, 1),
    multiply: filled(size, 1),
    shift: filled(size, 0),
  };
}

/** Raw units → network units. All constants are rounded to f32 where PyTorch rounds them. */
export function normalizerFrom(statistics: Statistics): Normalizer {
  const { mode, first, second, eps, epsAdded, where } = statistics;
  const size = first.length;
  if (mode === 'mean-std') {
    const divide = checkDivisors(
      where,
      second.map((std) => std + Math.fround(eps)),
    );
    return { mode, subtract: first, divide, multiply: filled(size, 1), add: filled(size, 0) };
  }
  const ranges = rangesOf(statistics);
  const divide = epsAdded ? ranges.map((range) => range + Math.fround(eps)) : withoutZeros(ranges, eps);
  return { mode, subtract: first, divide: checkDivisors(where, divide), multiply: filled(size, 2), add: filled(size, -1) };
}

/** Network units → raw units. */
export function unnormalizerFrom(statistics: Statistics): Unnormalizer {
  const { mode, first, second, eps, epsAdded } = statistics;
  const size = first.length;
  if (mode === 'mean-std') {
    return { mode, add: filled(size, 0), halve: filled(size, 1), multiply: second, shift: first };
  }
  const ranges = rangesOf(statistics);
  const multiply = epsAdded ? ranges : withoutZeros(ranges, eps);
  return { mode, add: filled(size, 1), halve: filled(size, 0.5), multiply, shift: first };
}

/** Diffusion Policy's y = x · scale + offset (model/common/normalizer.py). */
export function scaleOffsetNormalizer(scale: Float32Array, offset: Float32Array): Normalizer {
  const size = scale.length;
  return { mode: 'scale-offset', subtract: filled(size, 0), divide: filled(size, 1), multiply: scale, add: offset };
}

/** The inverse, x = (y − offset) / scale; throws CheckpointError when a scale cannot be inverted. */
export function scaleOffsetUnnormalizer(scale: Float32Array, offset: Float32Array, where: string): Unnormalizer {
  const size = scale.length;
  const inverse = checkDivisors(where, scale).map((value) => 1 / value);
  return {
    mode: 'scale-offset',
    add: offset.map((value) => -value),
    halve: filled(size, 1),
    multiply: inverse,
    shift: filled(size, 0),
  };
}

function rangesOf({ first, second, where }: Statistics): Float32Array {
  const ranges = second.map((high, i) => high - first[i]!);
  const overflow = ranges.findIndex((range) => !Number.isFinite(range));
  if (overflow >= 0) {
    throw new CheckpointError(
      `${where}: expected a finite range, found ${first[overflow]} to ${second[overflow]} at index ` +
        `${overflow}. Export the statistics again.`,
    );
  }
  return ranges;
}

/** A constant dimension has range zero and maps to −1 (LeRobot replaces the range by eps). */
function withoutZeros(ranges: Float32Array, eps: number): Float32Array {
  return ranges.map((range) => (range === 0 ? eps : range));
}

function checkDivisors(where: string, divisors: Float32Array): Float32Array {
  const index = divisors.findIndex((value) => !Number.isFinite(Math.fround(1 / value)));
  if (index >= 0) {
    throw new CheckpointError(
      `${where}: expected statistics that can be divided by, found ${divisors[index]} at index ` + `${index}. Export the statistics again.`,
    );
  }
  return divisors;
}

function filled(size: number, value: number): Float32Array {
  return new Float32Array(size).fill(value);
}
