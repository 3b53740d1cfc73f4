import type { Demonstrations } from '../mujoco/demonstration.js';
import { actionNames } from './action.js';
import { gripperExpertActions } from './expert.js';
import type { GripperGoal } from './goal.js';
import { FloatingGripper } from './gripper.js';
import { ONE_HAND } from './hand.js';
import { gripperXml, TICK_RATE } from './mjcf.js';
import { stateNames, thingNames } from './observations.js';

/** Set points are kept in micrometres and microradians. */
const MICRO = 1e6;

/** Demonstrations of a task of the floating gripper by its scripted expert. */
export function gripperDemonstrations(goal: GripperGoal): Demonstrations {
  const hands = goal.hands ?? ONE_HAND;
  return {
    words: goal.words,
    robot: hands.length > 1 ? 'two_floating_grippers' : 'floating_gripper',
    tickRate: TICK_RATE,
    units:
      'metres; the rotation of the hand as the first two rows of its matrix; gripper -1 (open) ... 1 (closed); goals in micrometres and microradians',
    stateNames: stateNames(hands),
    actionNames: actionNames(hands),
    environmentNames: thingNames(goal),
    phases: goal.phases.map(({ name }) => name),
    model: gripperXml(goal),
    facts: {},
    create: (mujoco) => {
      const environment = new FloatingGripper(mujoco, goal.task);
      const { body } = environment;
      return {
        environment,
        expert: (seed, pauses) => gripperExpertActions(environment, { seed, pauses }),
        positions: () => [...body.simulation.views.qpos],
        goals: () => body.setPoints.map((value) => Math.round(MICRO * value)),
      };
    },
  };
}
