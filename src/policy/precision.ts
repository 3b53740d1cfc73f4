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
