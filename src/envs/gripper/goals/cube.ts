import type { Colour } from '../../mujoco/primitives.js';
import type { Thing } from '../goal.js';

/** Half the edge of the cubes, m. */
export const CUBE_HALF = 0.02;

export function cube(name: string, colour: Colour): Thing {
  return {
    name,
    symmetry: 4,
    solids: [{ kind: 'box', half: [CUBE_HALF, CUBE_HALF, CUBE_HALF], at: [0, 0, 0], colour, material: 'object', name }],
  };
}
