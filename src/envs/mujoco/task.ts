import { OptionError } from '../../foundation/errors.js';
import { checkChoice, checkList, checkObject, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { EnvironmentStep, PolicyOfTask, Task, TaskEnvironment, TaskKind } from '../environment.js';
import type { Scene } from '../scene.js';
import type { Demonstrations } from './demonstration.js';
import type { MujocoModule } from './module.js';
import { type Observable, type Observer, observerOf, SEEN } from './observer.js';
import type { Sight } from './sight.js';
import type { SimulatedEnvironment } from './simulated-environment.js';

/** A task in MuJoCo, as data: nothing of it needs the package before an environment is made. */
export interface SimulatedTask extends Observable {
  readonly scene: Scene;
  readonly maxTicks: number;
  readonly largestSeed: number;
  readonly actionDim: number;
  /** What an action is, for errors: "goal positions of six joints". */
  readonly action: string;
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
  /** What its cameras see; of a task that is seen. */
  sight?(): Sight;
  /** The episode is over; what it ran on may serve another one. */
  close(): void;
}

/** The same task for policies that look through its cameras: another one, so that records of one name can be compared. */
export function seenTask(task: SimulatedTask): SimulatedTask {
  return task.isSeen ? task : { ...task, name: `${task.name}/${SEEN}`, isSeen: true };
}

/** A kind of task whose environments `open` makes, by the `simulator` of records. A policy's features are told by their size. */
export function simulatedTaskKind(task: SimulatedTask, open: OpenSimulation, simulator?: string): TaskKind {
  const { name, scene, largestSeed } = task;
  const common = simulator === undefined ? {} : { simulator };
  return { name, scene, largestSeed, forPolicy: (policy) => ({ ...taskFor(task, policy, open), ...common }) };
}

/** How a task in MuJoCo is observed: in numbers, or in pictures with numbers beside them. */
export const OBSERVED = ['numbers', 'image'] as const;
export type Observed = (typeof OBSERVED)[number];

/** The task as it is observed. @throws OptionError for another way. */
export function observedTask(where: string, task: SimulatedTask, observed: Observed): SimulatedTask {
  return checkChoice(where, 'observed', observed, OBSERVED) === 'image' ? seenTask(task) : task;
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
  const read = observations.map((observation): [string, Observer] => [observation.name, observerOf(task, name, observation)]);
  const isSeen = observations.some(({ kind }) => kind === 'image');
  if (task.isSeen && !isSeen) {
    throw new OptionError(`policy "${name}" reads no image, and ${task.name} is for those that do: leave ${SEEN} out.`);
  }
  return {
    name: task.name,
    maxTicks: task.maxTicks,
    scene: task.scene,
    create: async (): Promise<TaskEnvironment> => {
      const simulation = await open(task);
      return {
        reset: (seed) => simulation.reset(seed),
        observe: () => {
          const sight = isSeen ? simulation.sight?.() : undefined;
          const all = simulation.observe();
          return Object.fromEntries(read.map(([feature, observe]) => [feature, observe(all, sight)]));
        },
        step: (action) => simulation.step(action),
        snapshot: () => simulation.snapshot(),
        close: () => simulation.close(),
      };
    },
  };
}
