import { BAR_VERTICES, BLOCK_AREA, type BlockPose, GOAL, STEM_VERTICES } from './board.js';

const GOAL_COS = Math.cos(GOAL.angle);
const GOAL_SIN = Math.sin(GOAL.angle);

/** A rectangle whose corner 2 lies opposite of corner 0, clipped by four sides, has at most eight corners. */
const MOST_CORNERS = 8;

/**
 * Share of the target that the block covers. Block and target are unions of two rectangles that share an edge only, so
 * their intersection is the sum of four intersections of rectangles; in the goal's coordinates one of each is upright.
 */
export class Coverage {
  /** Corners of the polygon being clipped, before and after the present side: x, y alternating. */
  #corners = new Float64Array(2 * MOST_CORNERS);
  #clipped = new Float64Array(2 * MOST_CORNERS);
  #count = 0;

  /** 0 … 1. */
  of(pose: BlockPose): number {
    let area = 0;
    for (const block of [BAR_VERTICES, STEM_VERTICES]) {
      for (const goal of [BAR_VERTICES, STEM_VERTICES]) area += this.#sharedArea(block, pose, goal);
    }
    return area / BLOCK_AREA;
  }

  #sharedArea(block: readonly number[], pose: BlockPose, goal: readonly number[]): number {
    this.#toGoal(block, pose);
    const [minX = 0, minY = 0, , , maxX = 0, maxY = 0] = goal;
    this.#clip(0, 1, minX);
    this.#clip(0, -1, -maxX);
    this.#clip(1, 1, minY);
    this.#clip(1, -1, -maxY);
    return this.#area();
  }

  /** The block's rectangle in the goal's coordinates. */
  #toGoal(vertices: readonly number[], { blockX, blockY, angle }: BlockPose): void {
    const cos = Math.cos(angle - GOAL.angle);
    const sin = Math.sin(angle - GOAL.angle);
    const [dx, dy] = [blockX - GOAL.blockX, blockY - GOAL.blockY];
    const originX = GOAL_COS * dx + GOAL_SIN * dy;
    const originY = GOAL_COS * dy - GOAL_SIN * dx;
    for (let i = 0; i < 8; i += 2) {
      const x = vertices[i] ?? 0;
      const y = vertices[i + 1] ?? 0;
      this.#corners[i] = cos * x - sin * y + originX;
      this.#corners[i + 1] = sin * x + cos * y + originY;
    }
    this.#count = 4;
  }

  /** Keeps what lies where sign · coordinate ≥ bound (Sutherland and Hodgman 1974). `axis`: 0 for x, 1 for y. */
  #clip(axis: 0 | 1, sign: 1 | -1, bound: number): void {
    const from = this.#corners;
    const to = this.#clipped;
    let count = 0;
    let previous = 2 * (this.#count - 1);
    for (let i = 0; i < 2 * this.#count; i += 2) {
      const inside = sign * (from[i + axis] ?? 0) - bound;
      const before = sign * (from[previous + axis] ?? 0) - bound;
      if (inside >= 0 !== before >= 0) {
        const t = before / (before - inside);
        to[2 * count] = (from[previous] ?? 0) + t * ((from[i] ?? 0) - (from[previous] ?? 0));
        to[2 * count + 1] = (from[previous + 1] ?? 0) + t * ((from[i + 1] ?? 0) - (from[previous + 1] ?? 0));
        count++;
      }
      if (inside >= 0) {
        to[2 * count] = from[i] ?? 0;
        to[2 * count + 1] = from[i + 1] ?? 0;
        count++;
      }
      previous = i;
    }
    this.#corners = to;
    this.#clipped = from;
    this.#count = count;
  }

  /** Shoelace formula. */
  #area(): number {
    const corners = this.#corners;
    let twice = 0;
    let previous = 2 * (this.#count - 1);
    for (let i = 0; i < 2 * this.#count; i += 2) {
      twice += (corners[previous] ?? 0) * (corners[i + 1] ?? 0) - (corners[i] ?? 0) * (corners[previous + 1] ?? 0);
      previous = i;
    }
    return Math.abs(twice) / 2;
  }
}
