import type { EnvironmentStep } from '../environment.js';
import type { Simulation } from './simulation.js';

/** One simulation, for one episode at a time and one after the other. */
export interface SimulatedEnvironment {
  /** Begins the episode of a seed. @throws OptionError */
  reset(seed: number): unknown;
  /** All that a policy may read, by LeRobot's names. */
  observe(): Readonly<Record<string, readonly number[]>>;
  /** @throws OptionError for an unusable action, SimulationError where the physics diverged. */
  step(action: ArrayLike<number>): EnvironmentStep;
  /** A value for each axis of the scene's snapshot. */
  snapshot(): readonly number[];
  /** What it runs on, for those who look at it. */
  readonly body: { readonly simulation: Simulation };
  /** Gives the memory back. */
  close(): void;
}
