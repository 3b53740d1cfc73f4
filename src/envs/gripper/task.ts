import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { LARGEST_SEED } from '../mujoco/random.js';
import type { SimulatedTask } from '../mujoco/task.js';
import { actionNames } from './action.js';
import { gripperCameras } from './cameras.js';
import { gripperDemonstrations } from './demonstrations.js';
import type { GripperTaskName } from './goal.js';
import { GRIPPER_TASKS } from './goals/index.js';
import { FloatingGripper, GRIPPER_MAX_TICKS, gripperGoal } from './gripper.js';
import { ONE_HAND } from './hand.js';
import { stateNames, thingNames } from './observations.js';
import { gripperScene } from './scene.js';

/** A task of the floating gripper, as data. @throws OptionError for another task. */
export function gripperSimulation(where: string, task: GripperTaskName): SimulatedTask {
  const goal = gripperGoal(where, task);
  const hands = goal.hands ?? ONE_HAND;
  const isPair = hands.length > 1;
  const names = goal.things.map(({ name }) => name.replaceAll('_', ' ')).join(' and ');
  return {
    name: goal.task,
    subject: `the floating gripper${isPair ? 's' : ''}, for ${goal.task}`,
    scene: gripperScene(goal),
    maxTicks: goal.maxTicks ?? GRIPPER_MAX_TICKS,
    largestSeed: LARGEST_SEED,
    actionDim: actionNames(hands).length,
    action: `position (3), rotation (6) and gripper (1)${isPair ? ' of each hand' : ''}`,
    observations: [
      { name: 'observation.state', size: stateNames(hands).length, what: isPair ? 'the hands' : 'the hand' },
      { name: 'observation.environment_state', size: thingNames(goal).length, what: `poses of ${names}` },
    ],
    cameras: gripperCameras(hands),
    create: (mujoco) => new FloatingGripper(mujoco, goal.task),
    demonstrations: gripperDemonstrations(goal),
  };
}

/** The same by its name; undefined for a name that is none of the gripper's. @throws OptionError for options: there are none. */
export function parseGripperTask(spelled: string): SimulatedTask | undefined {
  const [name = '', ...options] = spelled.split('/');
  const task = GRIPPER_TASKS.find((one) => one === name);
  if (task && options.length > 0) throw new OptionError(`${task} has no options, found ${shownValue(options.join('/'))}: leave it out.`);
  return task && gripperSimulation(task, task);
}
