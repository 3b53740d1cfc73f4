/** How the next decision is readied. */
export interface PrepareOptions {
  /**
   * `device` (default): it is made on zeros as a whole, where decisions like it were short on the device, so that nothing of it is cold, the device
   * included. `host`: without the device, which costs it neither time nor energy.
   */
  readonly on?: PrepareChoice;
}

export const PREPARE_CHOICES = ['device', 'host'] as const;
export type PrepareChoice = (typeof PREPARE_CHOICES)[number];

/** What is meant where nothing is said. */
export const PREPARE_DEFAULTS: PrepareOptions = Object.freeze({});
