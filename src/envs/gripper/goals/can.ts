import { liftPhase, pickPhases, placePhases } from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import type { GripperPose } from '../world.js';
import { BIN_FLOOR, BOARD, binFixtures, CHOSEN } from './bin.js';
import { hasLetGo } from './let-go.js';

const CAN = { radius: 0.024, halfHeight: 0.045 };
/** Half of the inside of both bins, m. */
const BIN = { x: 0.12, y: 0.14 };
const FROM = { x: 0.15, y: -0.16 };
const TO = { x: 0.15, y: 0.16 };
/** robosuite: less than this above the bin. */
const MOST_ABOVE = 0.1;

export const CAN_TASK: GripperGoal = {
  task: 'can',
  title: 'Can, in the manner of RoboMimic',
  words: 'Put the can into the green quarter of the other bin.',
  solved: 'the can is in the green quarter of the other bin, less than 10&nbsp;cm above its floor, and the hand more than 42&nbsp;mm away',
  things: [
    {
      name: 'can',
      symmetry: 0,
      solids: [{ kind: 'cylinder', ...CAN, at: [0, 0, 0], colour: [0.8, 0.16, 0.18], material: 'object', name: 'can' }],
    },
  ],
  fixtures: [
    ...binFixtures({ name: 'bin_from', at: [FROM.x, FROM.y], half: [BIN.x, BIN.y], floors: [BOARD, BOARD, BOARD, BOARD] }),
    ...binFixtures({ name: 'bin_to', at: [TO.x, TO.y], half: [BIN.x, BIN.y], floors: [BOARD, BOARD, BOARD, CHOSEN] }),
  ],
  place: (uniform) => [
    {
      position: [FROM.x + uniform(-0.07, 0.07), FROM.y + uniform(-0.08, 0.08), BIN_FLOOR + CAN.halfHeight],
      yaw: uniform(-Math.PI, Math.PI),
    },
  ],
  isSolved: (world) => {
    const [x, y, z] = (world.things[0] as GripperPose).position as [number, number, number];
    const isInQuarter = x > TO.x && x < TO.x + BIN.x && y > TO.y && y < TO.y + BIN.y;
    return isInQuarter && z > 0 && z < MOST_ABOVE && hasLetGo(world, 0);
  },
  phases: [
    ...pickPhases({ thing: 0, hover: 0.16, height: 0.07, at: [0, 0], period: 0 }),
    liftPhase(0.18),
    ...placePhases({
      thing: 0,
      to: () => ({ position: [TO.x + BIN.x / 2, TO.y + BIN.y / 2, BIN_FLOOR + CAN.halfHeight + 0.002], yaw: 0 }),
      period: 0,
      carry: 0.15,
      grip: -1,
    }),
  ],
};
