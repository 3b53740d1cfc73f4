import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BlockPose } from '../../../src/envs/push-t/board.js';
import { observeKeypoints, observeMaskedKeypoints } from '../../../src/envs/push-t/keypoints.js';
import { World } from '../../../src/envs/push-t/world.js';
import { dataFolder, readFloat32 } from '../../support/data.js';

/** Half a unit in the last place of an f32 between 256 and 512 is 1.5e-5, and state and keypoints were both rounded. */
const ROUNDING = 3e-5;

describe('keypoints', () => {
  it("are the block's own when it lies at the origin, followed by the agent", () => {
    const values = observeKeypoints({ agentX: 7, agentY: 8, blockX: 0, blockY: 0, angle: 0 });
    expect(values.slice(0, 4)).toEqual([9.269787, 90.040974, -60.983472, -1.18673]);
    expect(values.slice(16)).toEqual([23.541461, -1.700288, 7, 8]);
    expect(values).toHaveLength(20);
  });

  it('turn with the block, x towards y', () => {
    const values = observeKeypoints({ agentX: 0, agentY: 0, blockX: 100, blockY: 200, angle: Math.PI / 2 });
    expect(values[0]).toBeCloseTo(100 - 90.040974, 9);
    expect(values[1]).toBeCloseTo(200 + 9.269787, 9);
  });

  it('are the recorded ones at the beginning of the first demonstration', () => {
    const recorded = [
      201.81350708, 293.595062256, 283.59197998, 374.652404785, 162.809402466, 391.093322754, 219.859603882, 356.24697876, 220.574813843,
      258.004119873, 179.962127686, 354.229400635, 258.244659424, 343.837615967, 231.295120239, 317.055053711, 199.888595581, 386.419799805,
      222, 97,
    ];
    const values = observeKeypoints({ agentX: 222, agentY: 97, blockX: 222.99382, blockY: 381.59903, angle: 3.0079994 });
    expect(Math.max(...values.map((value, i) => Math.abs(value - (recorded[i] ?? NaN))))).toBeLessThan(ROUNDING);
  });

  it("come with a mask of ones in the original environment's observation", () => {
    const state = { agentX: 1, agentY: 2, blockX: 3, blockY: 4, angle: 5 };
    expect(observeMaskedKeypoints(state)).toEqual([...observeKeypoints(state), ...new Array<number>(20).fill(1)]);
  });
});

const data = dataFolder('pusht', 'comparison with the recorded keypoints of the demonstrations');

/** The block after one more substep from a recorded state, where an overlap of agent and block is being corrected. */
function correctedPose([agentX = 0, agentY = 0, blockX = 0, blockY = 0, angle = 0]: Float32Array): BlockPose {
  const world = new World();
  [world.agent.x, world.agent.y] = [agentX, agentY];
  world.block.turnTo(angle);
  world.block.placeOrigin(blockX, blockY);
  // The first one finds the overlap, the second one moves the block.
  world.substep();
  world.substep();
  return world.block.pose;
}

describe('keypoints of the 25,650 recorded states', () => {
  it.skipIf(!data)("agree to the data's rounding; where the agent overlaps the block, after the substep that pushes them apart", () => {
    const read = (name: string): Float32Array => readFloat32(join(data ?? '', name));
    const [states, keypoints] = [read('state.f32'), read('keypoint.f32')];
    let atOnce = 0;
    const corrected: number[] = [];
    for (let row = 0; row < states.length / 5; row++) {
      const state = states.subarray(row * 5, row * 5 + 5);
      const recorded = keypoints.subarray(row * 18, row * 18 + 18);
      const farthest = (pose: BlockPose): number => {
        const values = observeKeypoints({ agentX: 0, agentY: 0, ...pose });
        return recorded.reduce((most, value, i) => Math.max(most, Math.abs(value - (values[i] ?? NaN))), 0);
      };
      const [, , blockX = 0, blockY = 0, angle = 0] = state;
      if (farthest({ blockX, blockY, angle }) < ROUNDING) atOnce++;
      else corrected.push(farthest(correctedPose(state)));
    }
    // The data's keypoints were computed by setting an environment to the state and letting it move.
    expect([atOnce, corrected.length]).toEqual([18_942, 6_708]);
    expect(corrected.filter((off) => off < 1e-3).length).toBe(5_825);
    expect(corrected.filter((off) => off < 5e-3).length).toBe(6_631);
    expect(Math.max(...corrected)).toBeLessThan(0.2);
  });
});
