import { checkChoice, checkKeys } from '../foundation/options.js';
import { PREPARE_CHOICES, PREPARE_DEFAULTS, type PrepareOptions } from '../spec/prepare-options.js';

/** @throws OptionError. */
export function checkPrepare(options: PrepareOptions): void {
  if (options === PREPARE_DEFAULTS) return;
  checkKeys('prepare', options, ['on']);
  if (options.on !== undefined) checkChoice('prepare', 'on', options.on, PREPARE_CHOICES);
}
