import { HalfRangeError } from '../foundation/errors.js';
import type { Precision } from '../spec/precision.js';
import { choosePrecision, type PrecisionChoice, type PrecisionFacts } from './precision.js';

export interface LoadedIn<T> {
  readonly networks: T;
  readonly precision: Precision;
  readonly warnings: readonly string[];
}

/**
 * Loads networks in the chosen precision. Whether weights fit f16 is known once all were read: where `auto` took f16 and
 * one does not fit, everything is loaded again as f32, with a warning; there is one as well where the device is the reason.
 */
export async function loadInPrecision<T>(
  choice: PrecisionChoice,
  facts: Omit<PrecisionFacts, 'fitsHalves'>,
  load: (precision: Precision) => Promise<T>,
): Promise<LoadedIn<T>> {
  const precision = choosePrecision(choice, { ...facts, fitsHalves: true });
  const inexact = choice === 'auto' && !facts.exactHalves;
  const warnings = inexact
    ? ["precision 'auto' took f32: this device does not turn f16 into f32 exactly. Update its driver to use f16."]
    : [];
  try {
    return { networks: await load(precision), precision, warnings };
  } catch (error) {
    if (choice !== 'auto' || !(error instanceof HalfRangeError)) throw error;
    const wider = choosePrecision(choice, { ...facts, fitsHalves: false });
    return {
      networks: await load(wider),
      precision: wider,
      warnings: [`precision 'auto' loaded twice and took ${wider}: ${error.message}`],
    };
  }
}
