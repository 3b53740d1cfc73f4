import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PushT } from '../../../src/envs/push-t/push-t.js';
import { drawState } from '../../../src/envs/push-t/reset.js';
import type { PushTState } from '../../../src/envs/push-t/state.js';
import { World } from '../../../src/envs/push-t/world.js';
import { processorTime } from '../../support/processor-time.js';

interface Trajectory {
  readonly seed: number;
  readonly actions: readonly (readonly number[])[];
  readonly states: readonly (readonly number[])[];
  readonly coverage: readonly number[];
}

const GOLDEN = new URL('../../goldens/push-t-physics.json', import.meta.url);
const { trajectories } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { trajectories: readonly Trajectory[] };

const values = (state: PushTState): number[] => [state.agentX, state.agentY, state.blockX, state.blockY, state.angle];
const farthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));

describe('Push-T against Chipmunk 7.0.3, open loop from the seed', () => {
  it.each(trajectories)('follows seed $seed for 90 ticks within 1e-9', ({ seed, actions, states, coverage }) => {
    const pushT = new PushT();
    const followed = [values(pushT.reset(seed))];
    const covered = [pushT.coverage];
    for (const action of actions) {
      covered.push(pushT.step(action).coverage);
      followed.push(values(pushT.state));
    }
    expect(followed).toHaveLength(states.length);
    expect(Math.max(...followed.map((state, i) => farthest(state, states[i] ?? [])))).toBeLessThan(1e-9);
    expect(farthest(covered, coverage)).toBeLessThan(1e-9);
  });
});

/** Ten ticks towards each in turn, then from the first again. */
const TARGETS = [
  [256, 256],
  [100, 400],
  [400, 100],
  [256, 450],
  [450, 256],
  [60, 60],
] as const;

/** Contact points of each tick, summed over its ten substeps, and the block's pose after it. */
function tour(seed: number, legacy: boolean, steps: number): { contacts: number; pose: number[] }[] {
  const drawn = drawState(seed);
  const world = new World();
  [world.agent.x, world.agent.y] = [drawn.agentX, drawn.agentY];
  if (legacy) world.block.placeOrigin(drawn.blockX, drawn.blockY);
  world.block.turnTo(drawn.angle);
  if (!legacy) world.block.placeOrigin(drawn.blockX, drawn.blockY);
  world.substep();
  return Array.from({ length: steps }, (_, step) => {
    const [x, y] = TARGETS[Math.floor(step / 10) % TARGETS.length] ?? TARGETS[0];
    let contacts = 0;
    for (let i = 0; i < 10; i++) {
      world.agent.steer(x, y, 0.01);
      world.substep();
      contacts += world.contactPoints.length;
    }
    const { blockX, blockY, angle } = world.block.pose;
    return { contacts, pose: [blockX, blockY, angle] };
  });
}

describe('Push-T against longer runs of Chipmunk, with contact points', () => {
  // seed, legacy order, tick, block x, block y, angle, contact points in that step
  it.each([
    [100003, true, 4, 260.598883233, 256.757918393, -14.327038493, 5],
    [100003, true, 5, 266.265874872, 255.520442092, -14.323594497, 9],
    [100003, true, 22, 296.423667358, 243.148796965, -14.145027465, 4],
    [100003, true, 30, 325.489119422, 231.339468022, -13.803306285, 0],
    [100003, true, 40, 296.97358975, 493.586605578, -15.733576896, 9],
    [100003, true, 50, 329.176956949, 483.003289726, -15.348575082, 10],
    [100003, true, 60, 329.178930681, 483.00054694, -15.348621935, 10],
    [100003, true, 110, 336.790551095, 484.592471964, -15.377466284, 10],
    [100003, false, 20, 301, 204, -14.329782048, 0],
    [100003, false, 30, 381.444830187, 175.912315748, -13.793002811, 0],
    [100003, false, 60, 372.116036464, 123.569621788, -12.986021673, 0],
    [100003, false, 90, 444.745525842, 70.419839889, -12.169489976, 20],
    [100003, false, 120, 444.941955543, 70.476066854, -12.172402946, 0],
    [100000, true, 20, 299.612885309, 145.201580731, -0.904927428, 0],
    [100000, true, 30, 392.155884369, 46.852992831, -0.728669164, 30],
    [100000, true, 40, 392.214291187, 46.8240872, -0.728023269, 10],
    [100000, true, 90, 392.254134684, 46.736661207, -0.726072573, 21],
    [100000, true, 120, 392.253649409, 46.735471612, -0.726046059, 10],
    [42, true, 30, 363.43425296, 207.456576927, -0.170049823, 0],
    [42, true, 40, 364.946766913, 290.370597088, -0.765460448, 0],
    [42, true, 50, 437.050228918, 163.622238105, -0.463557096, 30],
    [42, true, 60, 437.019533405, 162.578140972, -0.456920488, 10],
    [42, true, 120, 437.024490866, 160.84176508, -0.445906674, 10],
  ] as const)('seed %i, legacy %s, step %i', (seed, legacy, step, x, y, angle, contacts) => {
    const last = tour(seed, legacy, step).at(-1);
    expect(farthest(last?.pose ?? [], [x, y, angle])).toBeLessThan(1e-9);
    expect(last?.contacts).toBe(contacts);
  });
});

describe('Push-T', () => {
  const run = (pushT: PushT, seed: number): number[] => {
    pushT.reset(seed);
    return TARGETS.flatMap((target) => [pushT.step(target).coverage, ...values(pushT.state)]);
  };

  it('gives bit-equal results for equal calls, whatever other instances and earlier episodes did', () => {
    const [used, fresh, other] = [new PushT(), new PushT(), new PushT()];
    run(used, 1);
    other.reset(2);
    used.reset(100000);
    const expected = run(fresh, 100000);
    used.reset(100000);
    const interleaved = TARGETS.flatMap((target) => {
      other.step([target[1], target[0]]);
      return [used.step(target).coverage, ...values(used.state)];
    });
    expect(interleaved).toEqual(expected);
  });

  it('hands out snapshots that later steps do not change', () => {
    const pushT = new PushT();
    const before = pushT.reset(0);
    const kept = { ...before };
    pushT.step([256, 256]);
    expect(before).toEqual(kept);
    expect(pushT.state).not.toEqual(kept);
  });

  it('rewards coverage up to 0.95 of the target, and ends above it', () => {
    const pushT = new PushT();
    const far = { agentX: 40, agentY: 40 };
    // Shifted along the bar by s, bar and stem lose 30 s and 90 s of the T's 6300 square pixels.
    const shifted = (s: number) => {
      pushT.placeAt({ ...far, blockX: 256 + s * Math.SQRT1_2, blockY: 256 + s * Math.SQRT1_2, angle: Math.PI / 4 });
      return pushT.step([40, 40]);
    };
    expect(shifted(1)).toMatchObject({ reward: 1, success: true });
    expect(shifted(2.63).success).toBe(false);
    expect(shifted(2.62).success).toBe(true);
    const half = shifted(20);
    expect(half.coverage).toBeCloseTo(1 - (120 * 20) / 6300, 12);
    expect(half.reward).toBeCloseTo(half.coverage / 0.95, 12);
    expect(half.success).toBe(false);
  });

  it('shows where agent and walls touch the block, normals pointing to the block', () => {
    const pushT = new PushT();
    pushT.placeAt({ agentX: 200, agentY: 186, blockX: 200, blockY: 200, angle: 0 });
    expect(pushT.contactPoints).toHaveLength(1);
    expect(pushT.contactPoints[0]).toMatchObject({ x: 200, y: 200.5, normalY: 1 });
    pushT.placeAt({ agentX: 400, agentY: 400, blockX: 200, blockY: 6, angle: 0 });
    expect(pushT.contactPoints).toHaveLength(2);
    for (const { y, normalY } of pushT.contactPoints) expect([y, normalY]).toEqual([6.5, 1]);
    expect(pushT.contactPoints.map(({ x }) => x).sort((a, b) => a - b)).toEqual([140, 260]);
  });

  it('takes a tick of at most 100 µs of processor time', () => {
    const pushT = new PushT();
    const episode = (seed: number): void => {
      pushT.reset(seed);
      for (let step = 0; step < 300; step++) pushT.step(TARGETS[Math.floor(step / 10) % TARGETS.length] ?? TARGETS[0]);
    };
    episode(0);
    const spent = processorTime();
    for (let seed = 0; seed < 5; seed++) episode(seed);
    const microseconds = (spent() * 1000) / (5 * 300);
    console.info(`Push-T: ${microseconds.toFixed(1)} µs per tick`);
    expect(microseconds).toBeLessThan(100);
  });
});
