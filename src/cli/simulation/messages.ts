import type { Sight } from '../../envs/mujoco/sight.js';

/** Between the thread of the command line and those that simulate. */

/** What a simulation is asked for; `simulation` is its number, the same until it is closed. */
export type SimulationCall =
  | { readonly call: 'open'; readonly task: string }
  | { readonly call: 'reset'; readonly seed: number }
  | { readonly call: 'step'; readonly action: Float32Array }
  | { readonly call: 'close' };

export type ToSimulation = SimulationCall & { readonly id: number; readonly simulation: number };

/** The present of a simulation after a call. */
export interface SimulationPresent {
  readonly observation: Readonly<Record<string, readonly number[]>>;
  readonly snapshot: readonly number[];
  /** Of a task that is seen. */
  readonly sight?: Sight;
  /** Of a step. */
  readonly reward: number;
  readonly success: boolean;
}

export type FromSimulation = { readonly id: number } & (
  | { readonly result: SimulationPresent | null }
  | { readonly error: { readonly name: string; readonly message: string } }
);
