import { normalizerFrom, type Statistics, unnormalizerFrom, type WrittenMode, writtenMode } from '../checkpoints/lerobot/normalizers.js';
import { DatasetError, OptionError } from '../foundation/errors.js';
import { checkChoice, checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { NormalizationMode, Normalizer, Unnormalizer } from '../spec/policy-spec.js';
import type { FeatureStatistics } from './dataset.js';
import { inDatasetWords } from './files.js';

/** Modes that follow from statistics. */
export type StatisticsMode = Extract<NormalizationMode, 'min-max' | 'mean-std' | 'quantiles' | 'quantile10'>;

const STATISTICS_MODES: readonly StatisticsMode[] = ['min-max', 'mean-std', 'quantiles', 'quantile10'];
/** Of LeRobot's processors (processor/normalize_processor.py). */
const EPSILON = 1e-8;

/**
 * Raw units → network units, in the arithmetic of inference and of LeRobot: y = (x − min) / (max − min) · 2 − 1, or (x − mean) / (std + 1e-8);
 * statistics are rounded to f32 first. A dimension that is constant becomes −1, or 0.
 * @throws DatasetError where quantiles are asked for and not known; OptionError.
 */
export function normalizerOf(statistics: FeatureStatistics, mode: StatisticsMode): Normalizer {
  return inDatasetWords(() => normalizerFrom(pairOf('normalizerOf', statistics, mode)));
}

/** Network units → raw units. @throws as `normalizerOf`. */
export function unnormalizerOf(statistics: FeatureStatistics, mode: StatisticsMode): Unnormalizer {
  return inDatasetWords(() => unnormalizerFrom(pairOf('unnormalizerOf', statistics, mode)));
}

function pairOf(where: string, statistics: FeatureStatistics, mode: StatisticsMode): Statistics {
  checkObject(where, 'statistics', statistics);
  checkChoice(where, 'mode', mode, STATISTICS_MODES);
  const { pair } = writtenMode(mode) as WrittenMode;
  const [first, second] = pair.map((name) => statisticNamed(where, statistics, name)) as [Float32Array, Float32Array];
  if (first.length !== second.length) throw new OptionError(`${where}: "${pair[0]}" and "${pair[1]}" must have as many values.`);
  return { mode, first, second, eps: EPSILON, epsAdded: false, where };
}

function statisticNamed(where: string, statistics: FeatureStatistics, name: string): Float32Array {
  const values: unknown = Object.hasOwn(statistics, name) ? statistics[name as 'min'] : quantile(statistics, name);
  if (values === undefined && /^q\d/.test(name)) {
    throw new DatasetError(`${where}: the data set has no statistic "${name}". Choose another mode, or compute the statistics again.`);
  }
  if (!(values instanceof Float64Array)) {
    throw new OptionError(`${where}: "${name}" of the statistics must be a Float64Array, found ${shownValue(values)}.`);
  }
  return Float32Array.from(values);
}

function quantile({ quantiles }: FeatureStatistics, name: string): unknown {
  return (quantiles as unknown) instanceof Map ? quantiles.get(name) : undefined;
}
