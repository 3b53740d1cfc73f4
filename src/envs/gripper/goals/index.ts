import type { GripperGoal, GripperTaskName } from '../goal.js';
import { CAN_TASK } from './can.js';
import { LIFT } from './lift.js';
import { SQUARE } from './square.js';
import { STACK_CUBE } from './stack-cube.js';
import { TOOL_HANG } from './tool-hang.js';
import { TRANSPORT } from './transport.js';
import { TURN_FAUCET } from './turn-faucet.js';

export const GRIPPER_GOALS: ReadonlyMap<string, GripperGoal> = new Map(
  [LIFT, CAN_TASK, SQUARE, STACK_CUBE, TRANSPORT, TOOL_HANG, TURN_FAUCET].map((goal) => [goal.task, goal]),
);
/** The tasks of the floating gripper, by name. */
export const GRIPPER_TASKS = [
  'lift',
  'can',
  'square',
  'stack-cube',
  'transport',
  'tool-hang',
  'turn-faucet',
] as const satisfies readonly GripperTaskName[];
