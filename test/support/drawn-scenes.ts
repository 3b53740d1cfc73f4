import { axisRotation, product } from '../../src/envs/mujoco/rotations.js';
import { SAMPLES } from '../../src/rendering/cast-picture.js';
import { RayCaster } from '../../src/rendering/ray-caster.js';
import { type CameraPose, lookingAt, packSolids, SOLID_KINDS, type Solid } from '../../src/rendering/scene.js';
import { Normals } from './values.js';

/** A table, and solids of all kinds in any position above it, some within others. */
export function randomSolids(seed: number, count: number): Solid[] {
  const normals = new Normals(seed);
  const within = (low: number, high: number): number => low + (high - low) * normals.uniform();
  const solids = Array.from({ length: count }, (_, i): Solid => {
    const rotation = product(axisRotation([0, 0, 1], within(-3, 3)), axisRotation([1, 0, 0], within(-3, 3)));
    return {
      kind: SOLID_KINDS[1 + (i % 3)] as Solid['kind'],
      half: [within(0.01, 0.05), i % 5 === 0 ? 0.002 : within(0.01, 0.07), within(0.01, 0.05)],
      colour: [within(0.1, 1), within(0.1, 1), within(0.1, 1)],
      position: [within(-0.2, 0.2), within(-0.2, 0.2), within(0, 0.25)],
      rotation,
    };
  });
  return [
    { kind: 'plane', half: [0.3, 0, 0], colour: [0.8, 0.78, 0.74], position: [0, 0, 0], rotation: axisRotation([0, 0, 1], 0.2) },
    ...solids,
  ];
}

/** Cameras around the solids, the last of them low, so that it sees beyond the table. */
export const CAMERA_POSES: readonly CameraPose[] = [
  lookingAt([0.45, 0.1, 0.5], [0, 0, 0.05], [0, 0, 1], 46),
  lookingAt([0, 0, 0.7], [0, 0, 0], [1, 0, 0], 50),
  lookingAt([-0.5, 0.3, 0.12], [0, 0, 0.1], [0, 0, 1], 60),
];

export function packedRandom(seed: number, count: number): Float64Array {
  return packSolids(randomSolids(seed, count));
}

/** What a pixel may be where rays are off by as much as rounding may put them. */
export interface LevelRange {
  /** Of each level, 0 … 255, not rounded. [height][width][3] */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** How far a ray may be off, in pixels. */
const OFF = 0.01;

/**
 * The rule for edge pixels: each ray of a pixel may see what any ray within a hundredth of a pixel around it sees, so a pixel is between the means of the
 * least and of the largest of these; off edges that is one level. A picture in another precision must be there, but for a level of rounding.
 */
export function levelRange(scene: Float64Array, height: number, width: number): LevelRange {
  const caster = new RayCaster(scene);
  const low = new Float64Array(height * width * 3);
  const high = new Float64Array(height * width * 3);
  const rays = SAMPLES * SAMPLES;
  for (let i = 0; i < height * width; i++) {
    for (let ray = 0; ray < rays; ray++) {
      const least = [Infinity, Infinity, Infinity];
      const most = [-Infinity, -Infinity, -Infinity];
      for (let around = 0; around < 9; around++) {
        const x = (i % width) + ((ray % SAMPLES) + 0.5) / SAMPLES + ((around % 3) - 1) * OFF;
        const y = Math.floor(i / width) + (Math.floor(ray / SAMPLES) + 0.5) / SAMPLES + (Math.floor(around / 3) - 1) * OFF;
        caster.cast((2 * x) / width - 1, 1 - (2 * y) / height);
        caster.colour.forEach((level, c) => {
          least[c] = Math.min(least[c] as number, level);
          most[c] = Math.max(most[c] as number, level);
        });
      }
      for (let c = 0; c < 3; c++) {
        low[3 * i + c] = (low[3 * i + c] as number) + (255 * (least[c] as number)) / rays;
        high[3 * i + c] = (high[3 * i + c] as number) + (255 * (most[c] as number)) / rays;
      }
    }
  }
  return { low, high };
}

/** Levels of a picture that are outside of a range by more than a level, and pixels that the range is narrow for: those off edges. */
export function outside(picture: Uint8Array, { low, high }: LevelRange): { readonly wrong: number; readonly offEdges: number } {
  let wrong = 0;
  let narrow = 0;
  picture.forEach((level, i) => {
    if (level < (low[i] as number) - 1 || level > (high[i] as number) + 1) wrong++;
    if ((high[i] as number) - (low[i] as number) < 1) narrow++;
  });
  return { wrong, offEdges: narrow / picture.length };
}
