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
