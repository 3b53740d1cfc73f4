import type { Colour, Primitive } from '../../mujoco/primitives.js';
import { liftPhase, pickPhases, placePhases } from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import type { GripperPose } from '../world.js';
import { hasLetGo } from './let-go.js';

/** A square nut with a handle along x: a hole of 42 mm for a peg of 32 mm. */
const NUT = { hole: 0.021, bar: 0.006, halfHeight: 0.01, handle: { half: 0.03, at: 0.063 } };
const PEG = { half: 0.016, halfHeight: 0.05, x: 0.23, y: 0.12 };
/** Where the handle is gripped. */
const GRIP_AT = 0.07;
/** robosuite's NutAssembly: from the peg along each axis, and over the table. */
const ASIDE = 0.03;
const LOW = 0.05;
const BRASS: Colour = [0.85, 0.66, 0.22];
const STEEL: Colour = [0.42, 0.47, 0.55];

const middle = NUT.hole + NUT.bar;
const box = (half: readonly [number, number, number], at: readonly [number, number, number], colour: Colour): Primitive => {
  return { kind: 'box', half, at, colour, material: 'object' };
};

export const SQUARE: GripperGoal = {
  task: 'square',
  title: 'Square, in the manner of RoboMimic',
  words: 'Put the square nut on the peg.',
  solved:
    'the centre of the nut is within 3&nbsp;cm of the peg along both axes and less than 5&nbsp;cm above the table, and the hand more than 42&nbsp;mm away',
  things: [
    {
      name: 'nut',
      symmetry: 1,
      solids: [
        box([NUT.bar, middle + NUT.bar, NUT.halfHeight], [middle, 0, 0], BRASS),
        box([NUT.bar, middle + NUT.bar, NUT.halfHeight], [-middle, 0, 0], BRASS),
        box([NUT.hole, NUT.bar, NUT.halfHeight], [0, middle, 0], BRASS),
        box([NUT.hole, NUT.bar, NUT.halfHeight], [0, -middle, 0], BRASS),
        box([NUT.handle.half, 0.008, NUT.halfHeight], [NUT.handle.at, 0, 0], BRASS),
      ],
    },
  ],
  fixtures: [{ name: 'peg', at: [PEG.x, PEG.y, 0], solids: [box([PEG.half, PEG.half, PEG.halfHeight], [0, 0, PEG.halfHeight], STEEL)] }],
  place: (uniform) => [{ position: [uniform(0.06, 0.16), uniform(-0.16, -0.06), NUT.halfHeight], yaw: uniform(-Math.PI, Math.PI) }],
  isSolved: (world) => {
    const [x, y, z] = (world.things[0] as GripperPose).position as [number, number, number];
    return Math.abs(x - PEG.x) < ASIDE && Math.abs(y - PEG.y) < ASIDE && z < LOW && hasLetGo(world, 0);
  },
  phases: [
    ...pickPhases({ thing: 0, hover: 0.12, height: 0.02, at: [GRIP_AT, 0], period: Math.PI }),
    liftPhase(0.17),
    ...placePhases({
      thing: 0,
      to: () => ({ position: [PEG.x, PEG.y, 0.06], yaw: 0 }),
      period: Math.PI / 2,
      carry: 0.16,
      grip: -0.5,
    }),
  ],
};
