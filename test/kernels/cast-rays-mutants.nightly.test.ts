import { describe, expect, it } from 'vitest';
import { sceneNumbers } from '../../src/rendering/scene.js';
import { castOnDevice, withoutAlpha } from '../support/cast-rays.js';
import { CAMERA_POSES, levelRange, outside, packedRandom } from '../support/drawn-scenes.js';
import { replace, useMutantDevice } from '../support/mutants.js';

const [HEIGHT, WIDTH] = [48, 50];
const SCENES = CAMERA_POSES.map((camera, i) => sceneNumbers(packedRandom(i + 4, 13), camera, HEIGHT, WIDTH));
const RANGES = SCENES.map((scene) => levelRange(scene, HEIGHT, WIDTH));

/**
 * What could go wrong: an index, a border, a sign, an order. Not what changes nothing: the table throws no shadow on what lies above it, and
 * no camera looks at it from below.
 */
const MUTANTS: Readonly<Record<string, (code: string) => string>> = {
  'rows for columns of the rotation': replace('r.x * rows[0].xyz + r.y * rows[1].xyz', 'r.x * rows[0].xyz + r.z * rows[1].xyz'),
  'the last solid for the nearest': replace('hit < t[ray]', 'hit < FAR'),
  'one solid too few': replace('first + u32(eye.w) * SOLID', 'first + u32(eye.w - 1.0f) * SOLID'),
  'solids of another scene': replace('id.z * shape.scene_fours', '0u * shape.scene_fours'),
  'no shadows': replace('lit[ray] *= forward.w', 'lit[ray] *= 1.0f'),
  'shadows before the face': replace('LIFT * n', '-100.0f * LIFT * n'),
  'no end to a cylinder': replace('abs(o.z + t * d.z) > half.y', 'abs(o.z + t * d.z) > 2.0f * half.y'),
  'no lid on a cylinder': replace('dot(p, p) > half.x * half.x', 'dot(p, p) > 0.0f'),
  'one end of a capsule': replace('enters_end(size.xyz, -1.0f,', 'enters_end(size.xyz, 1.0f,'),
  'a box without its third side': replace('max(max(near.x, near.y), near.z)', 'max(near.x, near.y)'),
  'a normal that looks inwards': replace('vec3f(-side.x, 0.0f, 0.0f)', 'vec3f(side.x, 0.0f, 0.0f)'),
  'a table without end': replace('half.xy > vec2f()', 'half.xy > vec2f(1.0f)'),
  'a pixel to the side': replace('f32(pixel % shape.width)', 'f32(pixel % shape.width + 1u)'),
  'rows of another picture': replace('pixel / shape.width', 'pixel / shape.height'),
  'upside down': replace('(1.0f - at.y) * up.xyz', '(at.y - 1.0f) * up.xyz'),
  'one ray for all': replace('vec2f(f32(ray % SIDE), f32(ray / SIDE))', 'vec2f()'),
  'levels that are cut': replace('sum / f32(RAYS)', 'sum / f32(RAYS) - 2.5f / 255.0f'),
  'a pixel without width': replace('spread * length(r) + LIFT', '0.0f'),
  'one shadow for all rays': replace('around + LIFT)', '0.0f)'),
  'the light of another ray': replace('open ^= 1u << ray;', 'open = 0u;'),
  'a ball that is too small': replace('dot(r, r) > reach * reach', 'dot(r, r) > 0.6f * reach * reach'),
};

describe('a wrong cast_rays', () => {
  const mutant = useMutantDevice('gpu');

  async function wrongLevels(): Promise<number> {
    const pictures = await castOnDevice(mutant.device(), SCENES, HEIGHT, WIDTH);
    return pictures.reduce((sum, picture, i) => sum + outside(withoutAlpha(picture), RANGES[i] as (typeof RANGES)[0]).wrong, 0);
  }

  it('is not what is drawn', async () => {
    expect(await wrongLevels()).toBe(0);
  });

  it.each(Object.entries(MUTANTS))('is seen: %s', async (_, mutate) => {
    const { result, mutants } = await mutant.mutated({ kernel: /^cast_rays/, mutate }, wrongLevels);
    expect(mutants).toBe(1);
    expect(result).toBeGreaterThan(0);
  });
});
