import { yawOf } from '../mujoco/rotations.js';

interface Placed {
  readonly position: readonly number[];
  readonly rotation: readonly number[];
}

/**
 * What a camera would have to tell: of the cube, then of the goal, x, y, z in m, and cosine and sine of four times the angle about the
 * vertical, since a cube looks the same after a quarter turn. [10]
 */
export function observeEnvironment(cube: Placed, goal: Placed): number[] {
  return [cube, goal].flatMap(({ position, rotation }) => {
    const turn = 4 * yawOf(rotation);
    return [...position, Math.cos(turn), Math.sin(turn)];
  });
}
