import type { BlockPose } from './board.js';

/** Points of the block, x0, y0, x1, y1, … in body coordinates, on the board when the block lies in a pose: the same layout. */
export function placePoints(points: readonly number[], { blockX, blockY, angle }: BlockPose): number[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const placed: number[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] ?? 0, points[i + 1] ?? 0];
    placed.push(cos * x - sin * y + blockX, sin * x + cos * y + blockY);
  }
  return placed;
}
