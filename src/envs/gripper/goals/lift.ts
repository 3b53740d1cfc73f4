import { liftPhase, pickPhases } from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import { CUBE_HALF, cube } from './cube.js';

/** Of the cube's centre, m: robosuite's Lift. */
const LIFTED = 0.04;

export const LIFT: GripperGoal = {
  task: 'lift',
  title: 'Lift, in the manner of RoboMimic',
  words: 'Lift the red cube.',
  solved: 'the centre of the cube is more than 4&nbsp;cm above the table',
  things: [cube('cube', [0.85, 0.2, 0.16])],
  fixtures: [],
  place: (uniform) => [{ position: [uniform(0.1, 0.2), uniform(-0.08, 0.08), CUBE_HALF], yaw: uniform(-Math.PI, Math.PI) }],
  isSolved: ({ things: [lifted] }) => (lifted?.position[2] as number) > LIFTED,
  phases: [...pickPhases({ thing: 0, hover: 0.12, height: 0.02, at: [0, 0], period: Math.PI / 2 }), liftPhase(0.15)],
};
