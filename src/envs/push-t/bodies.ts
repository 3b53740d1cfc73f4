import { type BlockPose, CENTRE_OF_GRAVITY } from './board.js';

const [CENTRE_X, CENTRE_Y] = CENTRE_OF_GRAVITY;

/** Inverse of the moment of inertia: gym-pusht counts the bar's moment, mass 1, for both rectangles. */
export const INVERSE_MOMENT = 1 / 3000;

/** The agent's controller: acceleration per pixel of distance, and per pixel per second of velocity. */
const STIFFNESS = 100;
const DAMPING = 20;

/** The agent's disc: a kinematic body, which pushes and is never pushed. Pixels and pixels per second. */
export class AgentBody {
  x = 256;
  y = 400;
  vx = 0;
  vy = 0;

  /** Accelerates towards the target (x, y), in pixels. */
  steer(x: number, y: number, seconds: number): void {
    this.vx += (STIFFNESS * (x - this.x) - DAMPING * this.vx) * seconds;
    this.vy += (STIFFNESS * (y - this.y) - DAMPING * this.vy) * seconds;
  }

  move(seconds: number): void {
    this.x += this.vx * seconds;
    this.y += this.vy * seconds;
  }
}

/**
 * The T: a rigid body of mass 1. `x`, `y` are its centre of gravity in the world; the origin of its coordinates follows
 * from that and the angle.
 */
export class BlockBody {
  x = 256 + CENTRE_X;
  y = 300 + CENTRE_Y;
  #angle = 0;
  cos = 1;
  sin = 0;
  vx = 0;
  vy = 0;
  /** Radians per second. */
  w = 0;
  /** Correction velocities: they push overlapping bodies apart, and act in one substep only. */
  correctionX = 0;
  correctionY = 0;
  correctionW = 0;

  get angle(): number {
    return this.#angle;
  }

  /** Turns the block about its centre of gravity. */
  turnTo(angle: number): void {
    this.#angle = angle;
    this.cos = Math.cos(angle);
    this.sin = Math.sin(angle);
  }

  /** Puts the origin there, at the present angle. */
  placeOrigin(x: number, y: number): void {
    this.x = x + (this.cos * CENTRE_X - this.sin * CENTRE_Y);
    this.y = y + (this.sin * CENTRE_X + this.cos * CENTRE_Y);
  }

  get pose(): BlockPose {
    return {
      blockX: this.x - (this.cos * CENTRE_X - this.sin * CENTRE_Y),
      blockY: this.y - (this.sin * CENTRE_X + this.cos * CENTRE_Y),
      angle: this.#angle,
    };
  }

  /** Moves by velocity and correction velocity; the latter is then used up. */
  move(seconds: number): void {
    this.x += (this.vx + this.correctionX) * seconds;
    this.y += (this.vy + this.correctionY) * seconds;
    this.turnTo(this.#angle + (this.w + this.correctionW) * seconds);
    this.correctionX = 0;
    this.correctionY = 0;
    this.correctionW = 0;
  }

  /** Takes all velocity away: the world's damping is 0. */
  stop(): void {
    this.vx = 0;
    this.vy = 0;
    this.w = 0;
  }

  /** Applies the impulse (jx, jy) at the offset (rx, ry) from the centre of gravity. */
  push(jx: number, jy: number, rx: number, ry: number): void {
    this.vx += jx;
    this.vy += jy;
    this.w += INVERSE_MOMENT * (rx * jy - ry * jx);
  }

  /** As `push`, on the correction velocities. */
  correct(jx: number, jy: number, rx: number, ry: number): void {
    this.correctionX += jx;
    this.correctionY += jy;
    this.correctionW += INVERSE_MOMENT * (rx * jy - ry * jx);
  }
}
