import { HalfRangeError } from '../foundation/errors.js';
import type { DeviceClass } from '../runtime/device-class.js';
import { PRECISIONS, type Precision } from '../spec/precision.js';

/** What `loadPolicy` takes for `precision`. */
export const PRECISION_CHOICES = [...PRECISIONS, 'auto'] as const;
export type PrecisionChoice = (typeof PRECISION_CHOICES)[number];

/** What the choice depends on. */
export interface PrecisionFacts {
  readonly deviceClass: DeviceClass;
  /** Whether the device turns halves into f32 exactly. */
  readonly exactHalves: boolean;
  /** Whether every weight is within the range of f16. */
  readonly fitsHalves: boolean;
}

/**
 * The fastest of f32 and f16. A GPU waits for weights, and f16 halves them. Of the software adapters lavapipe takes 0.5 to
 * 0.7 of the time with f16, SwiftShader the same time with both.
 */
const FASTEST: Readonly<Record<DeviceClass, 'f32' | 'f16'>> = { gpu: 'f16', lavapipe: 'f16', software: 'f16' };

/**
 * The precision that `auto` stands for: the fastest that is right on the device. Never int8, whose error is a matter of
 * what the user can bear: it must be asked for by name.
 */
export function choosePrecision(choice: PrecisionChoice, facts: PrecisionFacts): Precision {
  if (choice !== 'auto') return choice;
  return facts.exactHalves && facts.fitsHalves ? FASTEST[facts.deviceClass] : 'f32';
}

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
