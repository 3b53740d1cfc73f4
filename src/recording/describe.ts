import type { DecisionSourceInfo } from '../control/decision-source.js';
import { VERSION } from '../foundation/version.js';
import type { PolicyInfo } from '../policy/info.js';
import { fieldNames } from './channels.js';

/** Of the layout of topics and fields. */
export const FORMAT_VERSION = '1';

/** What is known of the source of a loop; of one that is no `Policy`, its sizes alone. */
export function describeSource(info: DecisionSourceInfo): Record<string, string> {
  const { name, dialect, fingerprint, strategy, strategyOptions, seed, precision, predictor, adapter, fileDtypes } =
    info as Partial<PolicyInfo>;
  const { observations, observationSteps, horizon, actionSteps, actionDim } = info;
  const facts: Readonly<Record<string, unknown>> = {
    format: FORMAT_VERSION,
    warmstep: VERSION,
    runtime: (globalThis as { readonly navigator?: { readonly userAgent?: string } }).navigator?.userAgent,
    policy: name,
    dialect,
    fingerprint,
    strategy,
    strategyOptions,
    seed,
    precision,
    predictor,
    adapter,
    fileDtypes,
    observations,
    fields: Object.fromEntries(fieldNames(observations)),
    observationSteps,
    horizon,
    actionSteps,
    actionDim,
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]): [string, string][] => {
      if (value === undefined) return [];
      return [[key, typeof value === 'string' ? value : JSON.stringify(value)]];
    }),
  );
}
