import type { Demonstrations } from '../mujoco/demonstration.js';
import { JOINT_NAMES } from './arm-table.js';
import { modelOf } from './body.js';
import { EXPERT_PHASES, expertActions } from './expert.js';
import { SO101_GOALS, type So101Goal, type So101TaskName } from './goals.js';
import { TICK_RATE } from './mjcf.js';
import { checkSo101Options, type So101Options, servoOf } from './options.js';
import { So101 } from './so101.js';

/** LeRobot's names of what motors tell and take. */
const MOTOR_NAMES = JOINT_NAMES.map((name) => `${name}.pos`);
const PLACE = ['x', 'y', 'z', 'cos4yaw', 'sin4yaw'];

const WORDS: Readonly<Record<So101TaskName, string>> = {
  'so101-pick-place': 'Put the blue cube on the plate.',
  'so101-stack-cube': 'Stack the blue cube on the pink cube.',
};

/** Demonstrations of a task of the SO-101 by its scripted expert. */
export function so101Demonstrations(task: So101TaskName, options: So101Options): Demonstrations {
  const goal = SO101_GOALS.get(task) as So101Goal;
  const checked = checkSo101Options(task, options);
  const target = goal.isFree ? 'base_cube' : 'plate';
  return {
    words: WORDS[task],
    robot: 'so101_follower',
    tickRate: TICK_RATE,
    units: "LeRobot's: -100 ... 100 over the range of an arm joint, 0 ... 100 for the gripper; environment state in metres",
    stateNames: MOTOR_NAMES,
    actionNames: MOTOR_NAMES,
    environmentNames: ['cube', target].flatMap((of) => PLACE.map((value) => `${of}.${value}`)),
    phases: EXPERT_PHASES,
    model: modelOf(goal, checked),
    facts: { options: checked, servo: servoOf(checked) },
    create: (mujoco) => {
      const environment = new So101(mujoco, task, options);
      const { body } = environment;
      return {
        environment,
        expert: (seed, pauses) => expertActions(environment, { seed, pauses }),
        positions: () => [...body.simulation.views.qpos],
        goals: () => [...body.servos.goals],
      };
    },
  };
}
