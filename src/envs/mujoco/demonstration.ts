import type { MujocoModule } from './module.js';
import type { SimulatedEnvironment } from './simulated-environment.js';

/** What an expert does in a tick. */
export interface ExpertAction {
  readonly action: readonly number[];
  /** Of its plan, from 0. */
  readonly phase: number;
  /** Whether it only waits, as people do. */
  readonly isPause: boolean;
}

/** An environment with somebody who knows how to solve it. */
export interface Demonstrator {
  readonly environment: SimulatedEnvironment;
  /** Acts from the present on, tick by tick: each action is carried out before the next is asked for. */
  expert(seed: number, pauses: boolean): Iterator<ExpertAction, void, void>;
  /** Positions of everything that moves. [nq] */
  positions(): readonly number[];
  /** What the last action became: whole numbers, one per dimension. */
  goals(): readonly number[];
}

/** How demonstrations of a task are made and described. */
export interface Demonstrations {
  /** What is asked for, in words. */
  readonly words: string;
  readonly robot: string;
  readonly tickRate: number;
  /** Units of observations and actions, in words. */
  readonly units: string;
  /** Of the dimensions of `observation.state` and of an action. */
  readonly stateNames: readonly string[];
  readonly actionNames: readonly string[];
  readonly environmentNames: readonly string[];
  /** Phases of the expert by name. */
  readonly phases: readonly string[];
  /** The model, as XML. */
  readonly model: string;
  /** Further facts, such as the parameters of servos: plain data. */
  readonly facts: Readonly<Record<string, unknown>>;
  create(mujoco: MujocoModule): Demonstrator;
}

/** One episode, a row per tick: what was observed before an action, the action, and what is needed to draw it again. */
export interface Demonstration {
  readonly seed: number;
  readonly success: boolean;
  readonly ticks: number;
  /** Of each body that an episode only places: position (3), quaternion w, x, y, z (4). [7 × bodies] */
  readonly mocap: readonly number[];
  readonly states: readonly (readonly number[])[];
  readonly environmentStates: readonly (readonly number[])[];
  readonly actions: readonly (readonly number[])[];
  readonly positions: readonly (readonly number[])[];
  readonly goals: readonly (readonly number[])[];
  readonly phases: readonly number[];
  readonly paused: readonly boolean[];
}

/**
 * Lets the expert play the episode of a seed to the end of its plan. It succeeded where the environment told of a success, and still
 * gives a reward when the plan is over.
 * @throws what environment and expert throw: an expert for what it cannot reach.
 */
export function recordDemonstration(demonstrator: Demonstrator, seed: number, pauses: boolean, maxTicks: number): Demonstration {
  const { environment } = demonstrator;
  environment.reset(seed);
  const mocap = environment.body.simulation.mocapPoses();
  const states: number[][] = [];
  const environmentStates: number[][] = [];
  const actions: number[][] = [];
  const positions: number[][] = [];
  const goals: number[][] = [];
  const phases: number[] = [];
  const paused: boolean[] = [];
  const expert = demonstrator.expert(seed, pauses);
  let reward = 0;
  let solved = false;
  while (actions.length < maxTicks) {
    const next = expert.next();
    if (next.done) break;
    const { action, phase, isPause } = next.value;
    const observed = environment.observe();
    states.push([...(observed['observation.state'] ?? [])]);
    environmentStates.push([...(observed['observation.environment_state'] ?? [])]);
    positions.push([...demonstrator.positions()]);
    actions.push([...action]);
    phases.push(phase);
    paused.push(isPause);
    const step = environment.step(action);
    goals.push([...demonstrator.goals()]);
    reward = step.reward;
    solved ||= step.success;
  }
  const success = solved && reward > 0;
  return { seed, success, ticks: actions.length, mocap, states, environmentStates, actions, positions, goals, phases, paused };
}
