/** A pair of points in which two shapes touch or overlap, one on the surface of each. */
export interface TouchingPoints {
  /** Tells the points of one pair of shapes apart from substep to substep. */
  key: number;
  ax: number;
  ay: number;
  bx: number;
  by: number;
}

/** Where shape A, agent or wall, touches shape B, a rectangle of the block. Rewritten in every substep. */
export class Manifold {
  /** Unit vector from A to B. */
  normalX = 0;
  normalY = 0;
  /** How many of `points` are valid; 0 where the shapes do not touch. */
  count = 0;
  readonly points: readonly [TouchingPoints, TouchingPoints] = [
    { key: 0, ax: 0, ay: 0, bx: 0, by: 0 },
    { key: 0, ax: 0, ay: 0, bx: 0, by: 0 },
  ];

  clear(normalX: number, normalY: number): void {
    this.normalX = normalX;
    this.normalY = normalY;
    this.count = 0;
  }

  add(key: number, ax: number, ay: number, bx: number, by: number): void {
    const point = this.points[this.count === 0 ? 0 : 1];
    point.key = key;
    point.ax = ax;
    point.ay = ay;
    point.bx = bx;
    point.by = by;
    this.count++;
  }
}
