import { describe, expect, it } from 'vitest';
import { SERVO_7V, SERVO_12V, type ServoParameters } from '../../../src/envs/so101/servo.js';
import { mujoco } from '../../support/mujoco.js';
import { ServoBench } from '../../support/pendulum.js';

const DEGREE = Math.PI / 180;
const GRAVITY = 9.81;

/** Whether a step from rest moves an unloaded servo by more than a count. */
async function movesUnloaded(servo: ServoParameters, step: number): Promise<boolean> {
  const bench = new ServoBench(await mujoco(), { servo, mass: 0.3, hasGravity: false });
  const [last] = bench.run(step * DEGREE, 1.5).slice(-1);
  bench.close();
  return Math.abs(last as number) > 1;
}

/** Whether a step moves a servo that has settled under a load of 0.4 N m by more than two counts. */
async function movesLoaded(servo: ServoParameters, step: number): Promise<boolean> {
  const bench = new ServoBench(await mujoco(), { servo, mass: 0.4 / GRAVITY / 0.1 });
  bench.run(0.05, 1);
  const [settled] = bench.run(0, 1.5).slice(-1);
  const [last] = bench.run(step * DEGREE, 1).slice(-1);
  bench.close();
  return Math.abs((last as number) - (settled as number)) > 2;
}

/** The smallest of so many steps of one size that moves, degrees. */
async function smallest(size: number, moves: (step: number) => Promise<boolean>): Promise<number> {
  for (let count = 1; count <= 60; count++) if (await moves(count * size)) return Math.round(count * size * 10) / 10;
  return Infinity;
}

describe('the smallest step of its goal that moves a servo', () => {
  const at = (servo: ServoParameters, proportional: number): ServoParameters => ({ ...servo, proportional });

  it.each([
    ['12 V, P 16', at(SERVO_12V, 16), 0.8],
    ['12 V, P 32', at(SERVO_12V, 32), 0.4],
    ['7.4 V, P 16', at(SERVO_7V, 16), 1.2],
  ])('%s, unloaded, either way', async (_, servo, expected) => {
    expect(await smallest(0.1, (step) => movesUnloaded(servo, step))).toBeCloseTo(expected, 6);
    expect(await smallest(0.1, (step) => movesUnloaded(servo, -step))).toBeCloseTo(expected, 6);
  });

  it.each([
    ['12 V, P 16', at(SERVO_12V, 16), 3.2, 1],
    ['12 V, P 32', at(SERVO_12V, 32), 1.2, 1],
    ['7.4 V, P 16', at(SERVO_7V, 16), 3.6, 1.8],
  ])('%s, under 0.4 N m, up and down', async (_, servo, up, down) => {
    expect(await smallest(0.2, (step) => movesLoaded(servo, step))).toBeCloseTo(up, 6);
    expect(await smallest(0.2, (step) => movesLoaded(servo, -step))).toBeCloseTo(down, 6);
  });
});
