import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { castPicture, SAMPLES } from '../../src/rendering/cast-picture.js';
import { RayCaster } from '../../src/rendering/ray-caster.js';
import { type CameraPose, lookingAt, packSolids, type Solid, sceneNumbers } from '../../src/rendering/scene.js';
import { CAMERA_POSES, packedRandom, randomSolids } from '../support/drawn-scenes.js';

type Point = readonly [number, number, number];
const UPRIGHT = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const FRONT = CAMERA_POSES[0] as CameraPose;

/** How far a point is from a solid, by the definition of its shape. */
function distance({ kind, half: [a, b, c], position, rotation }: Solid, point: Point): number {
  const from = point.map((value, i) => value - (position[i] as number));
  const [x, y, z] = [0, 1, 2].map((column) =>
    from.reduce((sum, value, row) => sum + value * (rotation[3 * row + column] as number), 0),
  ) as [number, number, number];
  const outsideOf = (...over: number[]): number => Math.hypot(...over.map((one) => Math.max(one, 0))) + Math.min(Math.max(...over), 0);
  switch (kind) {
    case 'plane':
      // A thin plate without an end along y.
      return outsideOf(Math.abs(z) - 1e-6, Math.abs(x) - a);
    case 'capsule':
      return Math.hypot(x, y, z - Math.min(Math.max(z, -b), b)) - a;
    case 'cylinder':
      return outsideOf(Math.hypot(x, y) - a, Math.abs(z) - b);
    case 'box':
      return outsideOf(Math.abs(x) - a, Math.abs(y) - b, Math.abs(z) - c);
  }
}

/** Walks along a ray by the distance to what is nearest: another way to find what it meets than equations. −1 where it meets nothing. */
function march(solids: readonly Solid[], from: Point, along: Point): { readonly solid: number; readonly at: Point } {
  let t = 1e-5;
  for (let step = 0; step < 1000 && t < 100; step++) {
    const at = from.map((value, i) => value + t * (along[i] as number)) as unknown as Point;
    const distances = solids.map((solid) => distance(solid, at));
    const least = Math.min(...distances);
    if (least < 1e-7) return { solid: distances.indexOf(least), at };
    t += least;
  }
  return { solid: -1, at: from };
}

describe('a picture of a scene', () => {
  it.each([1, 2, 3])('shows what walking along its rays finds, its light and its shadows: scene %d', (seed) => {
    const solids = randomSolids(seed, 12);
    const camera = CAMERA_POSES[seed - 1] as CameraPose;
    const scene = sceneNumbers(packSolids(solids), camera, 28, 28);
    const [ambient, diffuse, inShadow] = [scene[7], scene[11], scene[15]] as [number, number, number];
    const light = [...scene.subarray(16, 19)] as unknown as Point;
    const caster = new RayCaster(scene);
    let [same, lit, shaded] = [0, 0, 0];
    const count = 28 * 28;
    for (let i = 0; i < count; i++) {
      const [x, y] = [((i % 28) + 0.5) / 14 - 1, 1 - (Math.floor(i / 28) + 0.5) / 14];
      caster.cast(x, y);
      const ray = [0, 1, 2].map((axis) => (scene[12 + axis] as number) + x * (scene[4 + axis] as number) + y * (scene[8 + axis] as number));
      const length = Math.hypot(...ray);
      const eye = camera.eye as unknown as Point;
      const { solid, at } = march(solids, eye, ray.map((value) => value / length) as unknown as Point);
      let expected = [...scene.subarray(20, 23)];
      if (solid >= 0) {
        const met = solids[solid] as Solid;
        const slope = [0, 1, 2].map((axis) => {
          const moved = (by: number): Point => at.map((value, i) => (i === axis ? value + by : value)) as unknown as Point;
          return (distance(met, moved(1e-6)) - distance(met, moved(-1e-6))) / 2e-6;
        });
        const lambert = Math.max(
          0,
          slope.reduce((sum, value, axis) => sum + value * (light[axis] as number), 0),
        );
        const before = at.map((value, axis) => value + 1e-4 * (slope[axis] as number)) as unknown as Point;
        // What is below the table throws no shadow.
        const isShaded = march(solids.slice(1), before, light).solid >= 0;
        if (lambert > 0) isShaded ? shaded++ : lit++;
        expected = met.colour.map((level) => level * (ambient + diffuse * lambert * (isShaded ? inShadow : 1)));
      }
      if (solid === caster.solid && expected.every((level, c) => Math.abs(level - (caster.colour[c] as number)) < 2e-3)) same++;
    }
    // Along edges either may be right.
    expect(same / count).toBeGreaterThan(0.97);
    expect(lit).toBeGreaterThan(100);
    expect(shaded).toBeGreaterThan(15);
  });

  it('leaves nothing out by looking for solids near their places alone', () => {
    const [height, width] = [31, 44];
    for (const [i, camera] of CAMERA_POSES.entries()) {
      // One that the eye is within the ball of.
      const near: Solid = { kind: 'box', half: [0.3, 0.002, 0.01], colour: [1, 0, 0], position: [0.3, 0.05, 0.4], rotation: UPRIGHT };
      const scene = sceneNumbers(packSolids([...randomSolids(i + 20, 15), near]), camera, height, width);
      const caster = new RayCaster(scene);
      const all = Uint8Array.from({ length: height * width * 3 }, (_, at) => {
        const [row, column] = [Math.floor(at / 3 / width), Math.floor(at / 3) % width];
        let sum = 0;
        for (let ray = 0; ray < SAMPLES * SAMPLES; ray++) {
          const x = column + ((ray % SAMPLES) + 0.5) / SAMPLES;
          const y = row + (Math.floor(ray / SAMPLES) + 0.5) / SAMPLES;
          caster.cast((2 * x) / width - 1, 1 - (2 * y) / height);
          sum += caster.colour[at % 3] as number;
        }
        return Math.floor((255 * sum) / (SAMPLES * SAMPLES) + 0.5);
      });
      expect(Buffer.from(castPicture(scene, height, width)).equals(Buffer.from(all))).toBe(true);
    }
  });

  it('has right on the right, up above, and the angle of view that was asked for', () => {
    const ball = (position: Point, colour: Point): Solid => ({ kind: 'capsule', half: [0.01, 0, 0], colour, position, rotation: UPRIGHT });
    // Along x, at 1 m: 0.5 m upwards is the upper edge at an angle of view of 2 · atan 0.5.
    const camera = lookingAt([0, 0, 0], [1, 0, 0], [0, 0, 1], (360 / Math.PI) * Math.atan(0.5));
    const solids = packSolids([ball([1, 0, 0.48], [1, 0, 0]), ball([1, -0.9, 0], [0, 1, 0]), ball([1, 0, 0], [0, 0, 1])]);
    const [height, width] = [100, 200];
    const picture = castPicture(sceneNumbers(solids, camera, height, width), height, width);
    const at = (row: number, column: number): number[] => [...picture.subarray(3 * (row * width + column), 3 * (row * width + column) + 3)];
    const brightest = (row: number, column: number): number =>
      at(row, column).findIndex((level, _, all) => level > 60 && level === Math.max(...all));
    expect(brightest(2, 100)).toBe(0);
    expect(brightest(50, 190)).toBe(1);
    expect(brightest(50, 100)).toBe(2);
    const room = at(20, 20);
    expect(at(98, 100)).toEqual(room);
    expect(at(50, 10)).toEqual(room);
  });

  it('refuses sides, angles and numbers of solids that there cannot be', () => {
    const solids = packedRandom(1, 2);
    expect(() => sceneNumbers(solids, FRONT, 0, 4)).toThrow(OptionError);
    expect(() => sceneNumbers(solids, FRONT, 4, 9000)).toThrow(/width must be an integer from 1 to 8192/);
    expect(() => sceneNumbers(solids.subarray(1), FRONT, 4, 4)).toThrow(/the number of solids/);
    expect(() => sceneNumbers(solids, { ...FRONT, fovy: NaN }, 4, 4)).toThrow(/fovy must be between 0 and 180/);
    expect(() => lookingAt([0, 0, 1], [0, 0, 0], [0, 0, 1], 40)).toThrow(/cannot look along its up/);
  });
});
