import { WarmstepError } from '../foundation/errors.js';
import type { Observation } from '../observations/frame.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { Scene } from './scene.js';

/**
 * Environments have run out of room, or what ran them is gone. Not the episode's fault: an evaluation ends with it, keeps what is over, and can go on with
 * fewer side by side.
 */
export class EnvironmentLostError extends WarmstepError {}

/** What one tick led to. */
export interface EnvironmentStep {
  /** 0 … 1; an episode's score is the largest of its rewards. */
  readonly reward: number;
  /** Whether the task is done, which ends the episode. */
  readonly success: boolean;
}

/** A simulated task that a policy can be evaluated on. Equal calls give equal results: all chance is in the seed. */
export interface Environment<State> {
  /** Everything that observations and pictures are made of. */
  readonly state: State;
  /** Begins the episode of a seed. Throws OptionError for an unusable seed. */
  reset(seed: number): State;
  /** Carries out one action. Throws, and leaves the state as it was, where the action is unusable. */
  step(action: ArrayLike<number>): EnvironmentStep;
}

/** An environment as an evaluation drives it. A remote one may answer later. */
export interface TaskEnvironment {
  /** Begins the episode of a seed. Throws where it cannot, which the episode has failed by; EnvironmentLostError, which ends the evaluation. */
  reset(seed: number): void | Promise<void>;
  /** Raw observation of the present, by the names that the policy reads. */
  observe(): Observation;
  /** Carries out one action. Throws as `reset`. */
  step(action: Float32Array): EnvironmentStep | Promise<EnvironmentStep>;
  /** What a replay draws: a value for each axis of the scene's snapshot. */
  snapshot(): readonly number[];
  /** Called once, when the episode is over, where there is something to give back. */
  close?(): void;
}

/** Something that policies are evaluated on. */
export interface Task {
  /** As records name it. */
  readonly name: string;
  /** Ticks after which an episode is cut. */
  readonly maxTicks: number;
  /** How it is shown. */
  readonly scene: Scene;
  /** What simulates it, where results depend on its version: "MuJoCo 3.14.0". */
  readonly simulator?: string;
  /** A new environment for one episode at a time. @throws EnvironmentLostError where there is no room for it. */
  create(): Promise<TaskEnvironment>;
}

/** What a task asks of a policy that is to be evaluated on it. */
export interface PolicyOfTask {
  readonly name: string;
  readonly observations: readonly ObservationInfo[];
  readonly actionDim: number;
}

/** A task before its policy is known. */
export interface TaskKind extends Pick<Task, 'name' | 'scene'> {
  /** Seeds are integers from 0 to this. */
  readonly largestSeed: number;
  /** The task with what the policy reads. @throws OptionError for a policy of something else. */
  forPolicy(policy: PolicyOfTask): Task;
}
