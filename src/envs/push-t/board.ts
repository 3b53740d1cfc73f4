/**
 * What stands where on the Push-T board (gym-pusht 0.1.5). World units are pixels of a 512 × 512 board; y points down and
 * angles turn x towards y. Polygons are flat lists x0, y0, x1, y1, …, wound as gym-pusht lists them.
 */
export const BOARD_SIZE = 512;

export const AGENT_RADIUS = 15;

/** The two rectangles of the T in body coordinates: the origin is the middle of the bar's outer edge. */
export const BAR_VERTICES: readonly number[] = [-60, 0, 60, 0, 60, 30, -60, 30];
export const STEM_VERTICES: readonly number[] = [-15, 30, 15, 30, 15, 120, -15, 120];

/** Area of the T in square pixels: bar and stem share an edge only. */
export const BLOCK_AREA = 6300;

/** Centre of gravity of the block, body coordinates [x, y]. */
export const CENTRE_OF_GRAVITY: readonly [number, number] = [0, 45];

/** Pose in which the block covers the target. */
export const GOAL: BlockPose = { blockX: 256, blockY: 256, angle: Math.PI / 4 };

export const WALL_RADIUS = 2;

/** Segments [x0, y0, x1, y1], in the order in which gym-pusht adds them. */
export const WALLS: readonly (readonly [number, number, number, number])[] = [
  [5, 506, 5, 5],
  [5, 5, 506, 5],
  [506, 5, 506, 506],
  [5, 506, 506, 506],
];

/** Where the block's origin lies, in pixels, and how far it is turned, in radians (not wrapped). */
export interface BlockPose {
  readonly blockX: number;
  readonly blockY: number;
  readonly angle: number;
}
