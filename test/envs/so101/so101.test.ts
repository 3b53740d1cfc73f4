import { describe, expect, it } from 'vitest';
import { SimulationError } from '../../../src/envs/mujoco/simulation.js';
import { expertActions } from '../../../src/envs/so101/expert.js';
import { checkSo101Options, parseSo101Options, type So101Options, spellSo101Options } from '../../../src/envs/so101/options.js';
import { COUNT } from '../../../src/envs/so101/servo.js';
import { So101 } from '../../../src/envs/so101/so101.js';
import { OptionError } from '../../../src/foundation/errors.js';
import { mujoco } from '../../support/mujoco.js';
import { SO101_GOLDEN } from '../../support/so101.js';
import { playExpert, trace } from '../../support/so101-run.js';

const module = await mujoco();

/** An environment for as long as the test runs. */
function using<T>(task: 'so101-pick-place' | 'so101-stack-cube', options: So101Options, work: (environment: So101) => T): T {
  const environment = new So101(module, task, options);
  try {
    return work(environment);
  } finally {
    environment.close();
  }
}

describe('the SO-101 in MuJoCo', () => {
  it('begins the episode of a seed where the recorded one does', () => {
    using('so101-pick-place', {}, (environment) => {
      const { readings, cube, goal } = environment.reset(0);
      const { cube: placed, obj, stateUnits } = SO101_GOLDEN.env.seed0;
      expect(cube.position[0]).toBeCloseTo(placed[0] as number, 5);
      expect(cube.position[1]).toBeCloseTo(placed[1] as number, 5);
      expect(Math.atan2(cube.rotation[3] as number, cube.rotation[0] as number)).toBeCloseTo(placed[2] as number, 4);
      expect(goal.position.slice(0, 2)).toEqual(obj.slice(0, 2));
      // Whole counts, so the same number or another one.
      readings.forEach((value, joint) => void expect(value).toBeCloseTo(stateUnits[joint] as number, 9));
      expect(environment.observe()['observation.state']).toEqual(readings);
    });
  });

  it('gives the same bits for a seed: after other episodes, and in another simulation', () => {
    const first = using('so101-stack-cube', {}, (environment) => [
      trace(environment, 7, 40),
      trace(environment, 8, 40),
      trace(environment, 7, 40),
    ]);
    expect(first[2]).toBe(first[0]);
    expect(first[1]).not.toBe(first[0]);
    expect(using('so101-stack-cube', {}, (environment) => trace(environment, 7, 40))).toBe(first[0]);
  });

  it('is placed as it should be by the expert, which counts once no pad touches it, and is said after ten ticks', () => {
    using('so101-pick-place', {}, (environment) => {
      environment.reset(3);
      const { body } = environment;
      const rewards: number[] = [];
      let touched = 0;
      for (const { action } of expertActions(environment)) {
        const { reward, success } = environment.step(action);
        rewards.push(reward);
        if (body.simulation.touches(body.pads, body.cubeGeom)) {
          touched++;
          expect(reward).toBe(0);
        }
        if (success) break;
      }
      expect(touched).toBeGreaterThan(60);
      expect(rewards.slice(-10)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
      expect(rewards.slice(0, 150).every((reward) => reward === 0)).toBe(true);
    });
  });

  it.each<[string, number, number, number, number, boolean]>([
    ['on the plate', 0.02, 0, 0.023, 0, true],
    ['beyond its edge', 0.05, 0, 0.023, 0, false],
    ['on the table', 0.09, 0, 0.015, 0, false],
    ['on an edge', 0, 0, 0.03, Math.PI / 4, false],
  ])('asks for a cube %s', (_, dx, dy, z, tilt, expected) => {
    using('so101-pick-place', {}, (environment) => {
      const { goal } = environment.reset(2);
      const { body } = environment;
      const [x, y] = goal.position as [number, number];
      const address = body.simulation.freeAddress('cube').position;
      const hold = environment.state.readings;
      const rewards = Array.from({ length: 12 }, () => {
        if (tilt !== 0) body.simulation.views.qpos.set([x + dx, y + dy, z, Math.cos(tilt / 2), Math.sin(tilt / 2), 0, 0], address);
        return environment.step(hold).reward;
      });
      expect(rewards.every((reward) => reward === 0)).toBe(true);
      if (tilt !== 0) return;
      body.simulation.views.qpos.set([x + dx, y + dy, z, 1, 0, 0, 0], address);
      const last = Array.from({ length: 25 }, () => environment.step(hold)).at(-1);
      expect(last?.success).toBe(expected);
    });
  });

  it('commands no more than the calibrated range', () => {
    using('so101-pick-place', {}, (environment) => {
      environment.reset(1);
      environment.step([1e9, -1e9, 100, -100, 300, -40]);
      const { goals } = environment.body.servos;
      expect([...goals].map((count) => count * COUNT)).toEqual(
        [1.91986, -1.74533, 1.69, -1.65806, 2.84121, -0.174533].map((angle) => Math.round(angle / COUNT) * COUNT),
      );
    });
  });

  it('refuses what is no action, and leaves the state as it was', () => {
    using('so101-pick-place', {}, (environment) => {
      environment.reset(1);
      const before = environment.snapshot();
      expect(() => environment.step([1, 2, 3])).toThrow(/expected 6 numbers, one per joint, found 3/);
      expect(() => environment.step([1, 2, Number.NaN, 4, 5, 6])).toThrow(/a finite number for elbow_flex, found NaN/);
      expect(environment.snapshot()).toEqual(before);
    });
  });

  it('says so where the physics diverged, which MuJoCo passes over', () => {
    using('so101-pick-place', {}, (environment) => {
      environment.reset(1);
      environment.body.simulation.views.qpos[0] = Number.NaN;
      expect(() => environment.step([0, 0, 0, 0, 0, 0])).toThrow(SimulationError);
      environment.reset(1);
      expect(environment.step(environment.state.readings).success).toBe(false);
    });
  });

  it('is closed for good', () => {
    const environment = new So101(module, 'so101-pick-place');
    environment.close();
    environment.close();
    expect(() => environment.reset(0)).toThrow(/the simulation was closed/);
  });

  it('keeps its views through the growth of the memory', () => {
    using('so101-pick-place', {}, (environment) => {
      const expected = trace(environment, 4, 6);
      environment.reset(4);
      const others: So101[] = [];
      const stale = environment.body.simulation.views.qpos;
      // Each takes some megabytes; the first allocation that needs more memory detaches every view.
      while (stale.length > 0 && others.length < 60) others.push(new So101(module, 'so101-stack-cube'));
      const grew = stale.length === 0;
      const again = trace(environment, 4, 6);
      for (const other of others) other.close();
      expect(again).toBe(expected);
      expect(grew).toBe(true);
    });
  });
});

describe('options of the SO-101', () => {
  it('are spelled behind the name of the task, and read again', () => {
    const options = parseSo101Options('eval', ['backlash=0.87', 'voltage=7.4', 'p=16']);
    expect(options).toEqual({ backlash: 0.87, voltage: 7.4, p: 16 });
    expect(spellSo101Options(checkSo101Options('test', options))).toBe('/voltage=7.4/backlash=0.87');
    expect(using('so101-pick-place', { p: 32 }, ({ name }) => name)).toBe('so101-pick-place/p=32');
  });

  it.each([
    [['volts=12'], /expected options voltage=…, p=…, friction=…, backlash=…, flicker=…, each once, found "?volts=12/],
    [['p=16', 'p=32'], /each once, found p twice/],
    [['p=32', ''], /each once, found nothing behind a slash/],
    [['p='], /each once, found "?p=/],
    [['p='], /found "?p=/],
    [['voltage=9'], /voltage must be 12 or 7.4, found 9/],
    [['p=1.5'], /p must be an integer from 1 to 254/],
    [['flicker=2'], /flicker must be a number from 0 to 1/],
    [['friction=x'], /friction must be a number from 0 to 3, found NaN/],
  ])('refuse %j', (parts, message) => {
    expect(() => parseSo101Options('eval', parts)).toThrow(OptionError);
    expect(() => parseSo101Options('eval', parts)).toThrow(message);
  });

  it('change the physics: a softer servo sags more, play adds joints, flicker is a count', () => {
    // How far the lift still has to go after a third of a second.
    const lag = (options: So101Options): number =>
      using('so101-pick-place', options, (environment) => {
        environment.reset(0);
        const action = environment.state.readings.map((value, joint) => (joint === 1 ? value + 40 : value));
        for (let tick = 0; tick < 10; tick++) environment.step(action);
        return (action[1] as number) - (environment.state.readings[1] as number);
      });
    const usual = lag({});
    expect(lag({ p: 4 })).toBeGreaterThan(1.3 * usual);
    expect(lag({ friction: 0 })).toBeLessThan(usual);
    expect(lag({ voltage: 7.4 })).not.toBe(usual);
    expect(lag({ backlash: 0.87 })).not.toBe(usual);
    using('so101-pick-place', { flicker: 0.05 }, (environment) => {
      environment.reset(0);
      const hold = environment.state.readings;
      let off = 0;
      for (let tick = 0; tick < 60; tick++) {
        environment.step(hold);
        environment.body.readings.forEach((reading, joint) => {
          const true_ = Math.round(environment.body.angle(joint) / COUNT);
          const difference = Math.abs(Math.round(reading / COUNT) - true_);
          expect(difference).toBeLessThanOrEqual(1);
          off += difference;
        });
      }
      // Of 360 readings 18 are expected.
      expect(off).toBeGreaterThan(4);
      expect(off).toBeLessThan(40);
    });
  });
});

describe('the expert', () => {
  it('stacks the cubes', () => {
    using('so101-stack-cube', {}, (environment) => {
      expect(playExpert(environment, 11)).toMatchObject({ success: true });
    });
  });

  it('pauses before four of its phases, holding its last action, 10 to 34 ticks', () => {
    using('so101-pick-place', {}, (environment) => {
      environment.reset(6);
      const pauses = new Map<number, number>();
      let last: readonly number[] = [];
      for (const { action, phase, isPause } of expertActions(environment, { pauses: true, seed: 6 })) {
        if (isPause) {
          expect(action).toBe(last);
          pauses.set(phase, (pauses.get(phase) ?? 0) + 1);
        }
        last = action;
        environment.step(action);
      }
      expect([...pauses.keys()]).toEqual([1, 2, 5, 6]);
      for (const ticks of pauses.values()) {
        expect(ticks).toBeGreaterThanOrEqual(10);
        expect(ticks).toBeLessThanOrEqual(34);
      }
    });
  });
});
