import { AGENT_RADIUS, WALL_RADIUS } from './board.js';
import type { AgentBody, BlockBody } from './bodies.js';
import { Box } from './box.js';

const AT_REST = { vx: 0, vy: 0 } as const;

/** The agent's disc in the world. */
export class Disc {
  readonly box = new Box();
  readonly velocity: AgentBody;

  constructor(body: AgentBody) {
    this.velocity = body;
    this.follow();
  }

  /** Brings the box up to the body's position. */
  follow(): void {
    const { x, y } = this.velocity;
    this.box.set(x - AGENT_RADIUS, y - AGENT_RADIUS, x + AGENT_RADIUS, y + AGENT_RADIUS);
  }
}

/** Bar or stem in the world. */
export class Rectangle {
  readonly box = new Box();
  readonly velocity: BlockBody;
  readonly #local: readonly number[];
  /** 4 × (x, y), in the order of the local vertices. */
  readonly vertices = new Float64Array(8);

  /** `local`: 4 × (x, y) in body coordinates. */
  constructor(body: BlockBody, local: readonly number[]) {
    this.velocity = body;
    this.#local = local;
    this.follow();
  }

  /** Brings vertices and box up to the body's pose. */
  follow(): void {
    const { cos, sin } = this.velocity;
    const { blockX, blockY } = this.velocity.pose;
    let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < 8; i += 2) {
      const localX = this.#local[i] ?? 0;
      const localY = this.#local[i + 1] ?? 0;
      const x = cos * localX - sin * localY + blockX;
      const y = sin * localX + cos * localY + blockY;
      this.vertices[i] = x;
      this.vertices[i + 1] = y;
      minX = Math.min(minX, x);
      minY = Math.min(minY, y);
      maxX = Math.max(maxX, x);
      maxY = Math.max(maxY, y);
    }
    this.box.set(minX, minY, maxX, maxY);
  }
}

/** A wall: all points at most WALL_RADIUS away from a segment. */
export class Wall {
  readonly box = new Box();
  readonly velocity = AT_REST;
  readonly ax: number;
  readonly ay: number;
  readonly bx: number;
  readonly by: number;

  constructor([ax, ay, bx, by]: readonly [number, number, number, number]) {
    [this.ax, this.ay, this.bx, this.by] = [ax, ay, bx, by];
    this.box.set(
      Math.min(ax, bx) - WALL_RADIUS,
      Math.min(ay, by) - WALL_RADIUS,
      Math.max(ax, bx) + WALL_RADIUS,
      Math.max(ay, by) + WALL_RADIUS,
    );
  }
}
