import { OptionError } from '../../foundation/errors.js';
import { checkList, checkObject, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { EnvironmentStep, PolicyOfTask, Task, TaskEnvironment, TaskKind } from '../environment.js';
import type { Scene } from '../scene.js';
import type { Demonstrations } from './demonstration.js';
import type { MujocoModule } from './module.js';
import type { SimulatedEnvironment } from './simulated-environment.js';

/** A task in MuJoCo, as data: nothing of it needs the package before an environment is made. */
export interface SimulatedTask {
  /** As records name it, options included. */
  readonly name: string;
  /** Of the robot or the task, for errors: "the SO-101". */
  readonly subject: string;
  readonly scene: Scene;
  readonly maxTicks: number;
  readonly largestSeed: number;
  readonly actionDim: number;
  /** What an action is, for errors: "goal positions of six joints". */
  readonly action: string;
  /** What is observed, in numbers; sizes differ, and a policy's features are told by them. */
  readonly observations: readonly { readonly name: string; readonly size: number; readonly what: string }[];
  create(mujoco: MujocoModule): SimulatedEnvironment;
  /** Of its expert. */
  readonly demonstrations: Demonstrations;
}

/** Makes environments of a task, in this thread or in another one. */
export type OpenSimulation = (task: SimulatedTask) => Promise<TaskSimulation>;

/** An environment that may answer later, as one of another thread does. `observe` and `snapshot` are of the last answer. */
export interface TaskSimulation {
  reset(seed: number): void | Promise<void>;
  observe(): Readonly<Record<string, readonly number[]>>;
  step(action: Float32Array): EnvironmentStep | Promise<EnvironmentStep>;
  snapshot(): readonly number[];
  /** The episode is over; what it ran on may serve another one. */
  close(): void;
}

/** A kind of task whose environments `open` makes. A policy's features are told by their size. */
export function simulatedTaskKind(task: SimulatedTask, open: OpenSimulation): TaskKind {
  const { name, scene, largestSeed } = task;
  return { name, scene, largestSeed, forPolicy: (policy) => taskFor(task, policy, open) };
}

/** @throws OptionError for a policy of something else. */
function taskFor(task: SimulatedTask, policy: PolicyOfTask, open: OpenSimulation): Task {
  const where = task.name;
  checkObject(where, 'the policy', policy);
  const { name, observations, actionDim } = policy;
  checkText(where, 'the name of the policy', name);
  checkList(where, 'observations', observations, (feature) => checkObject(where, 'an observation', feature));
  const give = `give a policy of ${task.subject}.`;
  if (actionDim !== task.actionDim) {
    throw new OptionError(
      `policy "${name}" has actions of ${shownValue(actionDim)} values, ${task.name} takes ${task.actionDim}, ${task.action}: ${give}`,
    );
  }
  const there = task.observations.map(({ size, what }) => `${what} (${size})`).join(', ');
  const read = observations.map((observation): [string, string] => {
    if (observation.kind === 'image') {
      throw new OptionError(`policy "${name}" reads "${observation.name}", a picture; ${task.name} is observed in numbers: ${there}.`);
    }
    const found = task.observations.find(({ size }) => size === observation.size);
    if (found) return [observation.name, found.name];
    const { name: feature, size } = observation;
    throw new OptionError(
      `policy "${name}" reads "${shownValue(feature)}" of ${shownValue(size)} values; ${task.name} has ${there}: ${give}`,
    );
  });
  return {
    name: task.name,
    maxTicks: task.maxTicks,
    scene: task.scene,
    create: async (): Promise<TaskEnvironment> => {
      const simulation = await open(task);
      return {
        reset: (seed) => simulation.reset(seed),
        observe: () => {
          const all = simulation.observe();
          return Object.fromEntries(read.map(([feature, source]) => [feature, all[source] as readonly number[]]));
        },
        step: (action) => simulation.step(action),
        snapshot: () => simulation.snapshot(),
        close: () => simulation.close(),
      };
    },
  };
}
