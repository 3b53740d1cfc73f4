import { checkNumber, checkObject } from '../../foundation/options.js';
import type { BlockPose } from './board.js';

/** Positions of a Push-T episode, in pixels and radians; velocities are not part of it. */
export interface PushTState extends BlockPose {
  readonly agentX: number;
  readonly agentY: number;
  /** Origin of the block, not its centre of gravity. */
  readonly blockX: number;
  readonly blockY: number;
  /** Radians, not wrapped. */
  readonly angle: number;
}

/** A point in which the block touches the agent or a wall, world coordinates; the unit normal points to the block. */
export interface ContactPoint {
  readonly x: number;
  readonly y: number;
  readonly normalX: number;
  readonly normalY: number;
}

/**
 * Positions and targets beyond this are refused: the board has 512 pixels, and numbers so large that their squares
 * overflow would turn the state into NaN.
 */
export const FARTHEST = 1e9;

export function isUsable(value: number): boolean {
  return Math.abs(value) <= FARTHEST;
}

/** A copy of a state. @throws OptionError for what is none, or is not finite. */
export function checkState(where: string, given: PushTState): PushTState {
  checkObject(where, 'the state', given);
  const { agentX, agentY, blockX, blockY, angle } = given;
  const state = { agentX, agentY, blockX, blockY, angle };
  for (const [name, value] of Object.entries(state)) {
    checkNumber(where, name, value, `a number within ±${FARTHEST}`, isUsable);
  }
  return state;
}
