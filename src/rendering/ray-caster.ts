import { enters, type Hit, type Ray } from './hit.js';
import { HEADER_NUMBERS, SOLID_NUMBERS } from './scene.js';

/** How far along a ray something is seen, m: nearer than that is the eye itself, or the face that light is looked for from. */
const LEAST = 1e-6;
/** How far before its face a ray to the light begins, m. */
const LIFT = 1e-4;

/** Casts rays into a scene (`sceneNumbers`), in float64: Lambert's law, one light, hard shadows. */
export class RayCaster {
  readonly #scene: Float64Array;
  readonly #hit: Hit = { t: 0, x: 0, y: 0, z: 0 };
  readonly #nearest: Hit = { t: 0, x: 0, y: 0, z: 0 };
  /** The ray in the frame of the solid that is looked at. */
  readonly #ray: Ray = { ox: 0, oy: 0, oz: 0, dx: 0, dy: 0, dz: 0, least: 0 };
  /** What the last ray sees, 0 … 1. */
  readonly colour = new Float64Array(3);
  /** Number of the solid that it met; −1 for none. */
  solid = -1;

  constructor(scene: Float64Array) {
    this.#scene = scene;
  }

  /**
   * The ray through a point of the picture, −1 … 1 to the right and up; what it met is told by the properties. `candidates`: the first `count` are the solids
   * that it may meet. Default: all of them.
   */
  cast(x: number, y: number, candidates?: Int32Array, count = this.#scene[3] as number): void {
    const scene = this.#scene;
    const ex = scene[0] as number;
    const ey = scene[1] as number;
    const ez = scene[2] as number;
    let dx = (scene[12] as number) + x * (scene[4] as number) + y * (scene[8] as number);
    let dy = (scene[13] as number) + x * (scene[5] as number) + y * (scene[9] as number);
    let dz = (scene[14] as number) + x * (scene[6] as number) + y * (scene[10] as number);
    const length = Math.sqrt(dx * dx + dy * dy + dz * dz);
    dx /= length;
    dy /= length;
    dz /= length;
    const nearest = this.#nearest;
    const hit = this.#hit;
    let solid = -1;
    nearest.t = Infinity;
    for (let i = 0; i < count; i++) {
      const one = candidates === undefined ? i : (candidates[i] as number);
      if (!this.#meets(one, ex, ey, ez, dx, dy, dz) || hit.t >= nearest.t) continue;
      nearest.t = hit.t;
      nearest.x = hit.x;
      nearest.y = hit.y;
      nearest.z = hit.z;
      solid = one;
    }
    const { colour } = this;
    this.solid = solid;
    if (solid < 0) {
      for (let channel = 0; channel < 3; channel++) colour[channel] = scene[20 + channel] as number;
      return;
    }
    const at = HEADER_NUMBERS + solid * SOLID_NUMBERS;
    const nx = this.#turned(at + 8);
    const ny = this.#turned(at + 12);
    const nz = this.#turned(at + 16);
    const lambert = nx * (scene[16] as number) + ny * (scene[17] as number) + nz * (scene[18] as number);
    let light = Math.max(lambert, 0);
    if (light > 0) {
      const { t } = nearest;
      const isShaded = this.#isShaded(ex + t * dx + LIFT * nx, ey + t * dy + LIFT * ny, ez + t * dz + LIFT * nz);
      if (isShaded) light *= scene[15] as number;
    }
    const shade = (scene[7] as number) + (scene[11] as number) * light;
    for (let channel = 0; channel < 3; channel++) colour[channel] = (scene[at + 4 + channel] as number) * shade;
  }

  /** A coordinate of the nearest normal in the world, by a row of its rotation. */
  #turned(row: number): number {
    const { x, y, z } = this.#nearest;
    const scene = this.#scene;
    return (scene[row] as number) * x + (scene[row + 1] as number) * y + (scene[row + 2] as number) * z;
  }

  /** Whether something stands between a point and the light. Planes have nothing below them. */
  #isShaded(x: number, y: number, z: number): boolean {
    const scene = this.#scene;
    const lx = scene[16] as number;
    const ly = scene[17] as number;
    const lz = scene[18] as number;
    const count = scene[3] as number;
    for (let solid = 0; solid < count; solid++) {
      const at = HEADER_NUMBERS + solid * SOLID_NUMBERS;
      // Most are far from the ray: a method that is small enough to be inlined says so.
      if ((scene[at + 7] as number) < 0 || this.#passes(at, x, y, z, lx, ly, lz)) continue;
      if (this.#meets(solid, x, y, z, lx, ly, lz)) return true;
    }
    return false;
  }

  /** Whether a ray passes the ball around a solid. */
  #passes(at: number, ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): boolean {
    const scene = this.#scene;
    const rx = (scene[at + 11] as number) - ox;
    const ry = (scene[at + 15] as number) - oy;
    const rz = (scene[at + 19] as number) - oz;
    const reach = scene[at + 7] as number;
    const way = rx * dx + ry * dy + rz * dz;
    return way < -reach || rx * rx + ry * ry + rz * rz - way * way > reach * reach * (1 + 1e-9) + 1e-12;
  }

  /**
   * Whether a ray enters a solid; then `#hit` says where. The ray is looked at from its point that is nearest to the middle of the solid, which
   * keeps differences of squares small.
   */
  #meets(solid: number, ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): boolean {
    const scene = this.#scene;
    const at = HEADER_NUMBERS + solid * SOLID_NUMBERS;
    let rx = ox - (scene[at + 11] as number);
    let ry = oy - (scene[at + 15] as number);
    let rz = oz - (scene[at + 19] as number);
    const reach = scene[at + 7] as number;
    let way = 0;
    if (reach >= 0) {
      way = -(rx * dx + ry * dy + rz * dz);
      if (way < -reach) return false;
      rx += way * dx;
      ry += way * dy;
      rz += way * dz;
      if (rx * rx + ry * ry + rz * rz > reach * reach) return false;
    }
    const m0 = scene[at + 8] as number;
    const m1 = scene[at + 9] as number;
    const m2 = scene[at + 10] as number;
    const m3 = scene[at + 12] as number;
    const m4 = scene[at + 13] as number;
    const m5 = scene[at + 14] as number;
    const m6 = scene[at + 16] as number;
    const m7 = scene[at + 17] as number;
    const m8 = scene[at + 18] as number;
    const ray = this.#ray;
    ray.ox = m0 * rx + m3 * ry + m6 * rz;
    ray.oy = m1 * rx + m4 * ry + m7 * rz;
    ray.oz = m2 * rx + m5 * ry + m8 * rz;
    ray.dx = m0 * dx + m3 * dy + m6 * dz;
    ray.dy = m1 * dx + m4 * dy + m7 * dz;
    ray.dz = m2 * dx + m5 * dy + m8 * dz;
    ray.least = LEAST - way;
    const isHit = enters(scene, at, ray, this.#hit);
    if (isHit) this.#hit.t += way;
    return isHit;
  }
}
