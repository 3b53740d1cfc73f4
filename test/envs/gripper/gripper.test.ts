import { describe, expect, it } from 'vitest';
import { gripperExpertActions } from '../../../src/envs/gripper/expert.js';
import type { FloatingGripper } from '../../../src/envs/gripper/gripper.js';
import { FINGER_TRAVEL } from '../../../src/envs/gripper/hand.js';
import { hingeRotation, toRotation6d } from '../../../src/envs/gripper/rotation-6d.js';
import { gripperSimulation, parseGripperTask } from '../../../src/envs/gripper/task.js';
import { recordDemonstration } from '../../../src/envs/mujoco/demonstration.js';
import { seededRandom } from '../../../src/envs/mujoco/random.js';
import { yawOf } from '../../../src/envs/mujoco/rotations.js';
import { SimulationError } from '../../../src/envs/mujoco/simulation.js';
import { OptionError } from '../../../src/foundation/errors.js';
import { gripperTrace, usingGripper } from '../../support/gripper-run.js';
import { mujoco } from '../../support/mujoco.js';

const DOWN = [1, 0, 0, 0, 1, 0];
const ABOVE = [0.15, 0, 0.3, ...DOWN, -1];

/** Puts a thing somewhere, at rest and upright. */
function put({ body, goal }: FloatingGripper, thing: number, position: readonly number[]): void {
  const { position: at, velocity } = body.simulation.freeAddress((goal.things[thing] as { name: string }).name);
  body.simulation.views.qpos.set([...position, 1, 0, 0, 0], at);
  body.simulation.views.qvel.fill(0, velocity, velocity + 6);
}

describe('the floating gripper', () => {
  it('gives the same bits for a seed: after other episodes, and in another simulation', async () => {
    const [first, other, again] = await usingGripper('square', (environment) =>
      [7, 8, 7].map((seed) => gripperTrace(environment, seed, 30)),
    );
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(await usingGripper('square', (environment) => gripperTrace(environment, 7, 30))).toBe(first);
  });

  it('goes where an action sends it: position, rotation about all three axes, fingers', async () => {
    await usingGripper('lift', (environment) => {
      environment.reset(0);
      const rotation = hingeRotation([0.6, -0.3, 0.2]);
      const action = [0.2, -0.05, 0.22, ...toRotation6d(rotation), 0.5];
      for (let tick = 0; tick < 30; tick++) environment.step(action);
      const { hand, fingers } = environment.state;
      hand.position.forEach((value, i) => void expect(value).toBeCloseTo(action[i] as number, 4));
      hand.rotation.forEach((value, i) => void expect(value).toBeCloseTo(rotation[i] as number, 4));
      for (const finger of fingers) expect(finger).toBeCloseTo(FINGER_TRAVEL / 4, 3);
      const observed = environment.observe();
      expect(observed['observation.state']).toEqual([...hand.position, ...toRotation6d(hand.rotation), ...fingers]);
      const [cube] = environment.state.things as [(typeof environment.state.things)[0]];
      expect(observed['observation.environment_state']).toEqual([
        ...cube.position,
        // A cube looks the same after a quarter turn.
        expect.closeTo(Math.cos(4 * yawOf(cube.rotation)), 12),
        expect.closeTo(Math.sin(4 * yawOf(cube.rotation)), 12),
        ...cube.position.map((value, i) => value - (hand.position[i] as number)),
      ]);
    });
  });

  it('is sent no further than its workspace, and its fingers no further than they go', async () => {
    await usingGripper('lift', (environment) => {
      environment.reset(0);
      environment.step([9, -9, -9, ...DOWN, 40]);
      expect(environment.body.setPoints).toEqual([0.4, -0.32, 0.01, 0, 0, 0, 0, 0].map((value) => expect.closeTo(value, 12)));
      environment.step([-9, 9, 9, ...DOWN, -40]);
      expect(environment.body.setPoints).toEqual(
        [-0.1, 0.32, 0.4, 0, 0, 0, FINGER_TRAVEL, FINGER_TRAVEL].map((value) => expect.closeTo(value, 12)),
      );
    });
  });

  it('refuses what is no action, and leaves the state as it was', async () => {
    await usingGripper('lift', (environment) => {
      environment.reset(1);
      const before = environment.snapshot();
      expect(() => environment.step([1, 2, 3])).toThrow(/expected 10 numbers, position \(3\), rotation \(6\) and gripper, found 3/);
      expect(() => environment.step(ABOVE.with(4, Number.NaN))).toThrow(/a finite number for r12, number 4, found NaN/);
      expect(() => environment.step([0.1, 0, 0.2, 1, 0, 0, 2, 0, 0, 0])).toThrow(/found 1, 0, 0, 2, 0, 0, which span no plane/);
      expect(environment.snapshot()).toEqual(before);
      expect(() => environment.reset(-1)).toThrow(OptionError);
    });
  });

  it('says so where the physics diverged, begins again, and is closed for good', async () => {
    const closed = await usingGripper('lift', (environment) => {
      environment.reset(1);
      environment.body.simulation.views.qpos[0] = Number.NaN;
      expect(() => environment.step(ABOVE)).toThrow(SimulationError);
      environment.reset(1);
      expect(environment.step(ABOVE)).toEqual({ reward: 0, success: false });
      return environment;
    });
    expect(() => closed.reset(0)).toThrow(/the simulation was closed/);
  });

  it('stays a state under whatever actions, through quarter turns of the middle hinge', async () => {
    await usingGripper('lift', (environment) => {
      const random = seededRandom(2);
      environment.reset(2);
      for (let tick = 0; tick < 200; tick++) {
        environment.step(Array.from({ length: 10 }, (_, i) => (i < 3 ? 0.8 * random() - 0.3 : 2 * random() - 1)));
        expect(environment.snapshot().every(Number.isFinite)).toBe(true);
      }
    });
  });

  it('of which there are two takes ten numbers for each, and neither reaches what the other one does', async () => {
    await usingGripper('transport', (environment) => {
      environment.reset(0);
      const [left, right] = [
        [0.1, 9, 0.2, ...DOWN, 1],
        [0.2, -9, 9, ...DOWN, -1],
      ] as const;
      environment.step([...left, ...right]);
      expect(environment.body.setPoints).toEqual(
        [...[0.1, 0.08, 0.2, 0, 0, 0, 0, 0], ...[0.2, -0.08, 0.4, 0, 0, 0, FINGER_TRAVEL, FINGER_TRAVEL]].map(
          (value) => expect.closeTo(value, 12) as number,
        ),
      );
      const before = environment.snapshot();
      expect(() => environment.step(left)).toThrow(
        /expected 20 numbers, position \(3\), rotation \(6\) and gripper of each hand, found 10/,
      );
      expect(() => environment.step([...left, ...right.with(4, Number.NaN)])).toThrow(
        /a finite number for other_r12, number 14, found NaN/,
      );
      expect(() => environment.step([...left, ...right.with(3, 0)])).toThrow(
        /rows of a rotation in numbers 13 to 18 of the action, found 0, 0, 0/,
      );
      expect(environment.snapshot()).toEqual(before);
      const { hand, fingers, hands, things } = environment.state;
      expect(hands).toHaveLength(2);
      expect({ ...hand, fingers }).toEqual(hands[0]);
      const observed = environment.observe();
      expect(observed['observation.state']).toEqual(
        hands.flatMap(({ position, rotation, fingers: open }) => [...position, ...toRotation6d(rotation), ...open]),
      );
      // Where the hammer lies from the second hand.
      expect(observed['observation.environment_state'].slice(17, 20)).toEqual(
        things[1]?.position.map((value, i) => value - (hands[1]?.position[i] as number)),
      );
    });
  });

  it('has no options, and only these tasks', () => {
    expect(() => parseGripperTask('square/p=16')).toThrow(/square has no options, found "?p=16/);
    expect(parseGripperTask('squares')).toBeUndefined();
    expect(() => gripperSimulation('test', 'push-chair' as 'lift')).toThrow(/must be lift, can, .*, turn-faucet, found "?push-chair/);
  });
});

describe('solved is', () => {
  it.each([
    [[0.15, 0.2, 0.035], false],
    [[0.15, 0.2, 0.2], true],
  ])('lift with the cube at %j: %s', async (position, expected) => {
    await usingGripper('lift', (environment) => {
      environment.reset(2);
      put(environment, 0, position);
      // It falls by 12 mm in a tick.
      expect(environment.step(ABOVE).success).toBe(expected);
    });
  });

  it.each([
    ['in the quarter', [0.21, 0.23, 0.051], ABOVE, true],
    ['in the quarter beside', [0.21, 0.09, 0.051], ABOVE, false],
    ['in the other bin', [0.21, -0.16, 0.051], ABOVE, false],
    ['under the hand', [0.21, 0.23, 0.051], [0.21, 0.23, 0.06, ...DOWN, -1], false],
    ['over the quarter', [0.21, 0.23, 0.2], ABOVE, false],
  ])('can with the can %s', async (_, position, action, expected) => {
    await usingGripper('can', (environment) => {
      environment.reset(2);
      if (action !== ABOVE) {
        for (let tick = 0; tick < 30; tick++) environment.step(action);
      }
      put(environment, 0, position);
      expect(environment.step(action).success).toBe(expected);
    });
  });

  it.each([
    ['on the peg', [0.23, 0.12, 0.012], true],
    ['on top of it', [0.23, 0.12, 0.111], false],
    ['beside it', [0.3, 0.12, 0.011], false],
  ])('square with the nut %s', async (_, position, expected) => {
    await usingGripper('square', (environment) => {
      environment.reset(2);
      put(environment, 0, position);
      expect(environment.step(ABOVE).success).toBe(expected);
    });
  });

  it.each([
    ['on the other', [0, 0, 0.04], true],
    ['off its middle', [0.015, 0.012, 0.04], true],
    ['beyond its edge', [0.03, 0.025, 0.04], false],
    ['falling on it', [0, 0, 0.08], false],
    ['beside it', [0.06, 0, 0], false],
  ])('stack-cube with the red cube %s', async (_, offset, expected) => {
    await usingGripper('stack-cube', (environment) => {
      environment.reset(2);
      put(environment, 1, [0.15, 0.1, 0.02]);
      put(
        environment,
        0,
        [0.15, 0.1, 0.02].map((value, i) => value + (offset[i] as number)),
      );
      // One that falls has not landed after a tick; others have come to rest after four.
      const ticks = offset[2] === 0.08 ? 1 : 4;
      const last = Array.from({ length: ticks }, () => environment.step(ABOVE)).at(-1);
      expect(last?.success).toBe(expected);
    });
  });

  it.each([
    ['both where they belong', [0.22, 0.2, 0.0185], [-0.02, 0.2, 0.0245], true],
    ['the hammer over its bin', [0.22, 0.2, 0.08], [-0.02, 0.2, 0.0245], false],
    ['the cube beside its bin', [0.22, 0.2, 0.0185], [0.0, -0.02, 0.0185], false],
    ['each in the bin of the other', [-0.02, 0.2, 0.0185], [0.22, 0.2, 0.0245], false],
  ])('transport with %s', async (_, hammer, trash, expected) => {
    await usingGripper('transport', (environment) => {
      environment.reset(2);
      put(environment, 2, trash);
      put(environment, 1, hammer);
      const away = [0.1, -0.2, 0.35, ...DOWN, -1, 0.1, 0.1, 0.35, ...DOWN, -1];
      expect(environment.step(away).success).toBe(expected);
    });
  });

  it('turn-faucet with the handle of the faucet that is there turned by nine tenths', async () => {
    await usingGripper('turn-faucet', (environment) => {
      const families = new Set<number>();
      for (const seed of [0, 3, 4]) {
        environment.reset(seed);
        const there = [0, 2, 4].find((post) => (environment.state.things[post]?.position[0] as number) < 1) as number;
        families.add(there);
        const handle = environment.goal.things[there + 1] as { readonly name: string; readonly hinge: { readonly range: number } };
        const { position } = environment.body.simulation.jointAddress(handle.name);
        for (const [share, expected] of [
          [0.85, false],
          [0.95, true],
        ] as const) {
          environment.body.simulation.views.qpos[position] = share * handle.hinge.range;
          expect(environment.step(ABOVE).success).toBe(expected);
          expect(environment.observe()['observation.environment_state'][5]).toBeCloseTo(share, 2);
        }
      }
      expect(families.size).toBe(3);
    });
  });

  it('not the red cube on the green one while both pads hold it', async () => {
    await usingGripper('stack-cube', (environment) => {
      environment.reset(3);
      let held = 0;
      let isThere = false;
      let isSolved = false;
      for (const { action, phase } of gripperExpertActions(environment)) {
        const { success } = environment.step(action);
        if (environment.body.isGrasped(0)) {
          held++;
          expect(success).toBe(false);
        }
        // Lowered, and not yet let go.
        if (environment.goal.phases[phase]?.name === 'lower') isThere = true;
        if (success) {
          isSolved = true;
          expect(isThere).toBe(true);
          break;
        }
      }
      expect(isSolved).toBe(true);
      expect(held).toBeGreaterThan(40);
    });
  });
});

describe('the expert of the floating gripper', () => {
  it.each([0, 3, 4])('turns faucets, the one of seed %i', async (seed) => {
    await usingGripper('turn-faucet', (environment) => {
      environment.reset(seed);
      let isSolved = false;
      for (const { action } of gripperExpertActions(environment)) isSolved = environment.step(action).success;
      expect(isSolved).toBe(true);
    });
  });

  it.each(['lift', 'square'] as const)(
    'solves %s, it stays solved, and what is recorded has the sizes that it is said to have',
    async (task) => {
      const { demonstrations, maxTicks } = gripperSimulation('test', task);
      const demonstrator = demonstrations.create(await mujoco());
      try {
        const { success, actions, states, environmentStates, goals, positions } = recordDemonstration(demonstrator, 4, false, maxTicks);
        expect(success).toBe(true);
        expect(actions.every((action) => action.length === 10)).toBe(true);
        expect(states[0]).toHaveLength(demonstrations.stateNames.length);
        expect(environmentStates[0]).toHaveLength(demonstrations.environmentNames.length);
        expect(goals.at(-1)).toHaveLength(8);
        expect(goals.flat().every(Number.isInteger)).toBe(true);
        expect(positions).toHaveLength(actions.length);
        // Over the peg and down to the table, not on top of it.
        if (task === 'square') expect(environmentStates.at(-1)?.[2]).toBeCloseTo(0.01, 3);
      } finally {
        demonstrator.environment.close();
      }
    },
  );

  it('solves can, and pauses before four of its phases, holding its last action, 6 to 22 ticks', async () => {
    await usingGripper('can', (environment) => {
      environment.reset(6);
      const pauses = new Map<string, number>();
      let last: readonly number[] = [];
      let isSolved = false;
      for (const { action, phase, isPause } of gripperExpertActions(environment, { pauses: true, seed: 6 })) {
        const { name } = environment.goal.phases[phase] as { readonly name: string };
        if (isPause) {
          expect(action).toBe(last);
          pauses.set(name, (pauses.get(name) ?? 0) + 1);
        }
        last = action;
        isSolved = environment.step(action).success;
      }
      expect(isSolved).toBe(true);
      expect([...pauses.keys()]).toEqual(['descend', 'close', 'lower', 'release']);
      for (const ticks of pauses.values()) {
        expect(ticks).toBeGreaterThanOrEqual(6);
        expect(ticks).toBeLessThanOrEqual(22);
      }
    });
  });
});
