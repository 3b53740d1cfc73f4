import { describe, expect, it } from 'vitest';
import { GRIPPER_TASKS } from '../../../src/envs/gripper/goals/index.js';
import { TRANSPORT } from '../../../src/envs/gripper/goals/transport.js';
import { FloatingGripper } from '../../../src/envs/gripper/gripper.js';
import { gripperSimulation } from '../../../src/envs/gripper/task.js';
import { cameraPose, type TaskCamera } from '../../../src/envs/mujoco/cameras.js';
import { mujoco } from '../../support/mujoco.js';

/** How far from the middle of a square picture a point of the world is: up to 1 is inside. Infinite behind the camera. */
function offMiddle(camera: TaskCamera, point: ArrayLike<number>): number {
  const { eye, axes, fovy } = cameraPose(camera);
  const [x, y, back] = [0, 3, 6].map((row) =>
    [0, 1, 2].reduce((sum, i) => sum + (axes[row + i] as number) * ((point[i] as number) - (eye[i] as number)), 0),
  ) as [number, number, number];
  if (back >= 0) return Infinity;
  return Math.max(Math.abs(x), Math.abs(y)) / (-back * Math.tan((fovy * Math.PI) / 360));
}

const standing = (cameras: readonly TaskCamera[]): TaskCamera[] => cameras.filter(({ body }) => body === undefined);

describe('cameras of the floating gripper', () => {
  it.each(GRIPPER_TASKS)('%s: what stands still sees hands and things where an episode begins', async (name) => {
    const cameras = standing(gripperSimulation('test', name).cameras);
    expect(cameras.map((camera) => camera.name)).toEqual(['top', 'overhead']);
    const environment = new FloatingGripper(await mujoco(), name);
    try {
      for (let seed = 0; seed < 10; seed++) {
        environment.reset(seed);
        const { hands, things } = environment.body;
        // Faucets that an episode does not have stand far away.
        const there = things.filter(({ position }) => (position[0] as number) < 1);
        expect(there.length).toBeGreaterThan(0);
        for (const { position } of [...hands, ...there]) {
          for (const camera of cameras) expect(offMiddle(camera, position)).toBeLessThan(0.95);
        }
      }
    } finally {
      environment.close();
    }
  });

  it('two hands: shows the table that they work on, and has a camera in each', () => {
    const { cameras } = gripperSimulation('test', 'transport');
    const corners = TRANSPORT.table ?? [];
    expect(corners).toHaveLength(4);
    for (const camera of standing(cameras)) {
      for (const [x, y] of corners) expect(offMiddle(camera, [x, y, 0])).toBeLessThan(1);
      // A hand over where the lid is put aside, as high as it carries.
      expect(offMiddle(camera, [0.12, -0.37, 0.25])).toBeLessThan(0.95);
    }
    const usual = cameras.filter((camera) => camera.usual).map((camera) => [camera.name, camera.body]);
    expect(usual).toEqual([
      ['top', undefined],
      ['wrist', 'hand'],
      ['other_wrist', 'other_hand'],
    ]);
    expect(gripperSimulation('test', 'lift').cameras.map((camera) => camera.name)).toEqual(['top', 'wrist', 'overhead']);
  });
});
