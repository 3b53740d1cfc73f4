import { describe, expect, it } from 'vitest';
import { COUNT, SERVO_12V } from '../../../src/envs/so101/servo.js';
import { mujoco } from '../../support/mujoco.js';
import { type Pendulum, ServoBench } from '../../support/pendulum.js';
import { SO101_GOLDEN } from '../../support/so101.js';

const module = await mujoco();
const DEGREE = Math.PI / 180;

function counts(pendulum: Pendulum, ...runs: readonly (readonly [goal: number, seconds: number])[]): number[] {
  const bench = new ServoBench(module, pendulum);
  try {
    return runs.map(([goal, seconds]) => bench.run(goal, seconds)).at(-1) as number[];
  } finally {
    bench.close();
  }
}

describe('a servo on a test bench', () => {
  const light: Pendulum = { servo: SERVO_12V, mass: 0.3, hasGravity: false };

  it('answers a step of 10° with the recorded counts, tick by tick', () => {
    expect(counts(light, [10 * DEGREE, 1])).toEqual(SO101_GOLDEN.step10deg.counts);
  });

  it('sticks: of a step of 0.6° it makes one count of seven', () => {
    expect(counts(light, [0.6 * DEGREE, 1]).slice(-3)).toEqual(SO101_GOLDEN.step06deg.counts);
  });

  it('is as far off under 1.5 kg at 10 cm as the published test: 20 to 30 counts at 45°', () => {
    const loaded: Pendulum = { servo: { ...SERVO_12V, proportional: 32 }, mass: 1.5 };
    expect(-(counts({ ...loaded, raised: Math.PI / 4 }, [0, 3]).at(-1) as number)).toBe(26);
    expect(Math.round((45 * DEGREE) / COUNT) - (counts(loaded, [45 * DEGREE, 4]).at(-1) as number)).toBe(20);
  });
});
