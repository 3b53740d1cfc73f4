import { beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '../../src/observations/frame.js';
import { Picture } from '../../src/observations/picture.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { sceneNumbers } from '../../src/rendering/scene.js';
import { castOnDevice } from '../support/cast-rays.js';
import { useTestDevice } from '../support/device.js';
import { CAMERA_POSES, packedRandom } from '../support/drawn-scenes.js';
import { bits } from '../support/golden-policy.js';
import { CAMERAS, FRAME, imagePolicy } from '../support/image-policy.js';
import { QueueTraffic } from '../support/queue-traffic.js';

const device = useTestDevice();
let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy(imagePolicy(), { device: device() });
});

const { height, width } = FRAME;
const SIDES = { height, width } as const;

/** A scene for each camera and frame; nobody draws it on the host. */
function scenesOf(frame: number): Float64Array[] {
  return CAMERAS.map((_, camera) =>
    sceneNumbers(packedRandom(10 * frame + camera, 9), CAMERA_POSES[camera] as (typeof CAMERA_POSES)[0], height, width),
  );
}

const unseen = (scene: Float64Array, sides: { readonly height: number; readonly width: number } = SIDES): Picture =>
  Picture.drawn(sides.height, sides.width, {
    numbers: Float32Array.from(scene),
    draw: () => {
      throw new Error('the device is to draw');
    },
  });

function windowOf(images: (frame: number, camera: number) => unknown): Observation {
  return {
    'observation.state': [0.1, 0.2, 0.3, 0.4],
    ...Object.fromEntries(CAMERAS.map((name, camera) => [name, [0, 1].map((frame) => images(frame, camera))])),
  } as Observation;
}

/** The same noise whatever was decided before. */
function decide(images: (frame: number, camera: number) => unknown): Promise<Decision> {
  return policy.decide(windowOf(images), { previous: [], seed: 3 });
}

describe('pictures that are drawn', () => {
  it('are drawn where they are encoded: the bits of decisions on the pictures that the kernel draws', async () => {
    const scenes = [scenesOf(0), scenesOf(1)];
    const drawn = await castOnDevice(device(), scenes.flat(), height, width);
    const there = await decide((frame, camera) => unseen(scenes[frame]?.[camera] as Float64Array));
    const here = await decide((frame, camera) => ({ data: drawn[2 * frame + camera], height, width, channels: 4 }));
    expect([...bits(there)]).toEqual([...bits(here)]);
    const others = await decide((frame, camera) => unseen(scenes[1 - frame]?.[camera] as Float64Array));
    expect([...bits(others)]).not.toEqual([...bits(here)]);
  });

  it('go up as their scenes and do not come back', async () => {
    const scenes = [scenesOf(2), scenesOf(3)];
    const window = windowOf((frame, camera) => unseen(scenes[frame]?.[camera] as Float64Array));
    await policy.decide(windowOf((frame, camera) => unseen(scenes[frame]?.[camera] as Float64Array)));
    const traffic = new QueueTraffic(device().gpuDevice);
    try {
      await policy.decide(window);
    } finally {
      traffic.restore();
    }
    const sceneBytes = (24 + 10 * 20) * 4;
    expect(traffic.written.filter((bytes) => bytes === sceneBytes)).toHaveLength(4);
    expect(Math.max(...traffic.written)).toBeLessThan(height * width * 3);
    expect(traffic.read.length).toBeGreaterThan(0);
    expect(Math.max(...traffic.read)).toBeLessThan(height * width * 3);
  });

  it('may lie beside pictures that came as bytes, be of another size, and differ in their number of solids', async () => {
    const [left] = scenesOf(4) as [Float64Array];
    const bytes = new Uint8Array(height * width * 3).fill(90);
    const mixed = await decide((_, camera) => (camera === 0 ? unseen(left) : bytes));
    const [drawn] = await castOnDevice(device(), [left], height, width);
    const all = await decide((_, camera) => (camera === 0 ? { data: drawn, height, width, channels: 4 } : bytes));
    expect([...bits(mixed)]).toEqual([...bits(all)]);
    const fewer = sceneNumbers(packedRandom(5, 3), CAMERA_POSES[0] as (typeof CAMERA_POSES)[0], height, width);
    await expect(decide((frame) => unseen(frame === 0 ? left : fewer))).resolves.toBeDefined();
    await expect(decide(() => unseen(left, { height: 20, width: 30 }))).rejects.toThrow(/found a picture of 20×30 pixels/);
  });
});
