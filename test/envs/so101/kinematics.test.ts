import { describe, expect, it } from 'vitest';
import { rotated, sum } from '../../../src/envs/mujoco/rotations.js';
import { GRASP, TIP } from '../../../src/envs/so101/arm-table.js';
import { forwardKinematics, handPoint, inverseKinematics, linkFrames } from '../../../src/envs/so101/kinematics.js';
import { fromUnits, toUnits } from '../../../src/envs/so101/units.js';
import { SO101_GOLDEN } from '../../support/so101.js';

/** The recorded numbers have nine digits. */
const DIGITS = 9;
const expectNear = (found: readonly number[], expected: readonly number[], digits = DIGITS): void => {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => void expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1.001 * 10 ** -digits));
};

describe('kinematics of the SO-101', () => {
  it.each(SO101_GOLDEN.fk)('are those of the recorded poses: $q', ({ q, tip, grasp, R, pad_jaw, units }) => {
    const { position, rotation } = forwardKinematics(q);
    expectNear(rotation, R);
    expectNear(sum(position, rotated(rotation, TIP)), tip);
    expectNear(handPoint(q, GRASP), grasp);
    const jaw = linkFrames(q)[5]!;
    expectNear(sum(jaw.position, rotated(jaw.rotation, [0.064, -0.0185, -0.0089])), pad_jaw);
    expectNear(toUnits(q), units, 6);
    expectNear(fromUnits(toUnits(q)), q);
  });

  it.each(SO101_GOLDEN.ik)('are inverted: $target', ({ target, roll, pitch, q }) => {
    const found = inverseKinematics(target, { pitch, roll });
    expectNear(found.angles, q, 8);
    expect(found.error).toBeLessThan(1e-9);
    expect(found.isWithinRange).toBe(true);
    expectNear(handPoint([...found.angles, 0]), target);
  });

  it('say how far away a target is that is out of reach', () => {
    expect(inverseKinematics([0.9, 0, 0.1]).error).toBeGreaterThan(0.3);
    expect(inverseKinematics([0.25, 0, 0.35]).isWithinRange).toBe(false);
  });
});
