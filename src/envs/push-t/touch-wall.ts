import { WALL_RADIUS } from './board.js';
import type { Manifold } from './manifold.js';
import type { Separation } from './separation.js';
import type { Rectangle, Wall } from './shapes.js';

/** Keeps 0/0 out where an edge runs along the normal: C's DBL_MIN, the smallest normal double. */
const TINY = 2.2250738585072014e-308;

/**
 * Up to two points where a wall touches the rectangle: the ends of the stretch over which the edges that face each other
 * overlap (Chipmunk SegmentToPoly, ContactPoints). `separation` is scratch.
 */
export function touchWall(wall: Wall, rectangle: Rectangle, separation: Separation, out: Manifold): void {
  separation.measure(rectangle.vertices, wall.ax, wall.ay, wall.bx, wall.by);
  const { normalX, normalY, distance } = separation;
  out.clear(normalX, normalY);
  if (distance > WALL_RADIUS) return;

  const reversed = (wall.by - wall.ay) * normalX - (wall.bx - wall.ax) * normalY <= 0;
  const a1x = reversed ? wall.bx : wall.ax;
  const a1y = reversed ? wall.by : wall.ay;
  const b1x = reversed ? wall.ax : wall.bx;
  const b1y = reversed ? wall.ay : wall.by;

  const { vertices } = rectangle;
  const from = facingEdge(vertices, normalX, normalY);
  const to = (from + 1) % 4;
  const a2x = vertices[2 * from] ?? 0;
  const a2y = vertices[2 * from + 1] ?? 0;
  const b2x = vertices[2 * to] ?? 0;
  const b2y = vertices[2 * to + 1] ?? 0;

  // Positions along the edges, measured across the normal.
  const a1 = a1x * normalY - a1y * normalX;
  const b1 = b1x * normalY - b1y * normalX;
  const a2 = a2x * normalY - a2y * normalX;
  const b2 = b2x * normalY - b2y * normalX;
  const scale1 = 1 / (b1 - a1 + TINY);
  const scale2 = 1 / (b2 - a2 + TINY);

  for (let pair = 0; pair < 2; pair++) {
    const isFirst = pair === 0;
    const t = clamp(((isFirst ? b2 : a2) - a1) * scale1);
    const u = clamp(((isFirst ? a1 : b1) - a2) * scale2);
    const ax = normalX * WALL_RADIUS + (a1x * (1 - t) + b1x * t);
    const ay = normalY * WALL_RADIUS + (a1y * (1 - t) + b1y * t);
    const bx = a2x * (1 - u) + b2x * u;
    const by = a2y * (1 - u) + b2y * u;
    if ((bx - ax) * normalX + (by - ay) * normalY > 0) continue;
    const wallEnd = isFirst === reversed ? 1 : 0;
    out.add(4 * wallEnd + (isFirst ? to : from), ax, ay, bx, by);
  }
}

/** First vertex of the rectangle's edge that faces against the normal. */
function facingEdge(vertices: Float64Array, normalX: number, normalY: number): number {
  let farthest = 0;
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    const along = (vertices[2 * i] ?? 0) * normalX + (vertices[2 * i + 1] ?? 0) * normalY;
    if (along < least) [farthest, least] = [i, along];
  }
  const before = (farthest + 3) % 4;
  const arriving = facing(vertices, before, farthest, normalX, normalY);
  const leaving = facing(vertices, farthest, (farthest + 1) % 4, normalX, normalY);
  return arriving > leaving ? before : farthest;
}

/** Cosine between the outward normal of an edge and the reversed normal. */
function facing(vertices: Float64Array, from: number, to: number, normalX: number, normalY: number): number {
  const ex = (vertices[2 * to] ?? 0) - (vertices[2 * from] ?? 0);
  const ey = (vertices[2 * to + 1] ?? 0) - (vertices[2 * from + 1] ?? 0);
  return (ex * normalY - ey * normalX) / Math.sqrt(ex * ex + ey * ey);
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
