import { describe, expect, it } from 'vitest';
import { recordCastRays } from '../../src/ops/cast-rays.js';
import { castPicture } from '../../src/rendering/cast-picture.js';
import { packSolids, sceneNumbers } from '../../src/rendering/scene.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { castOnDevice, withoutAlpha } from '../support/cast-rays.js';
import { useTestDevice } from '../support/device.js';
import { CAMERA_POSES, levelRange, outside, packedRandom } from '../support/drawn-scenes.js';

const device = useTestDevice();
/** Pixels that fill no workgroup, and are not square. */
const [HEIGHT, WIDTH] = [37, 43];

describe('cast_rays', () => {
  it('draws many scenes in one dispatch as float64 does: within a level off edges, and what is there along them', async () => {
    const scenes = CAMERA_POSES.map((camera, i) => sceneNumbers(packedRandom(i + 1, 13), camera, HEIGHT, WIDTH));
    const pictures = await castOnDevice(device(), scenes, HEIGHT, WIDTH);
    scenes.forEach((scene, i) => {
      const picture = pictures[i] as Uint8Array;
      expect(picture.filter((_, at) => at % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
      const range = levelRange(scene, HEIGHT, WIDTH);
      const { wrong, offEdges } = outside(withoutAlpha(picture), range);
      expect(wrong).toBe(0);
      expect(offEdges).toBeGreaterThan(0.7);
      // The twin obeys its own rule, and another scene's picture does not.
      expect(outside(castPicture(scene, HEIGHT, WIDTH), range).wrong).toBe(0);
      expect(outside(withoutAlpha(pictures[(i + 1) % 3] as Uint8Array), range).wrong).toBeGreaterThan(100);
    });
  });

  it('draws the same in rows of workgroups, as pictures of more than four million pixels need them', async () => {
    const scenes = CAMERA_POSES.map((camera, i) => sceneNumbers(packedRandom(i + 1, 5), camera, 17, 19));
    // Six workgroups: three in each of two rows, or two in each of four, of which the last has nothing to draw.
    const plain = await castOnDevice(device(), scenes, 17, 19);
    for (const rows of [2, 4]) expect(await castOnDevice(device(), scenes, 17, 19, rows)).toEqual(plain);
  });

  it('draws an empty room', async () => {
    const scene = sceneNumbers(packSolids([]), CAMERA_POSES[0] as (typeof CAMERA_POSES)[0], 2, 3);
    const [picture] = await castOnDevice(device(), [scene], 2, 3);
    expect([...withoutAlpha(picture as Uint8Array)]).toEqual([...castPicture(scene, 2, 3)]);
  });

  it('is recorded for whole solids and pictures alone', () => {
    const builder = new PlanBuilder('gpu');
    builder.segment('test');
    const range = (bytes: number) => ({ buffer: builder.buffer('any', bytes), offset: 0, bytes });
    const record = (scenes: number, pictures: number): void =>
      recordCastRays(builder, { scenes: range(scenes), pictures: range(pictures), count: 2, height: 2, width: 2 });
    expect(() => record(2 * 4 * (24 + 20), 32)).not.toThrow();
    expect(() => record(2 * 4 * (24 + 19), 32)).toThrow(/cast_rays: 2 scenes of whole solids/);
    expect(() => record(2 * 4 * 24, 28)).toThrow(/there are 192 and 28 bytes/);
  });
});
