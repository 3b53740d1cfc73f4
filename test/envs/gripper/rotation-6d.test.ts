import { describe, expect, it } from 'vitest';
import {
  fromRotation6d,
  hingeAngles,
  hingeQuaternion,
  hingeRotation,
  quaternionRotation,
  toRotation6d,
  turnedAbout,
} from '../../../src/envs/gripper/rotation-6d.js';
import { seededRandom } from '../../../src/envs/mujoco/random.js';
import { axisRotation, product, type Rotation } from '../../../src/envs/mujoco/rotations.js';

const random = seededRandom(5);
const TRIPLES = Array.from({ length: 40 }, () => [6 * random() - 3, 3 * random() - 1.5, 6 * random() - 3]);

function expectSame(found: Rotation | undefined, expected: Rotation): void {
  expect(found).toHaveLength(9);
  found?.forEach((value, i) => void expect(value).toBeCloseTo(expected[i] as number, 12));
}

describe('rotations in six numbers', () => {
  it('are the first two rows, and come back', () => {
    // A quarter turn about z: x becomes y.
    expect(toRotation6d([0, -1, 0, 1, 0, 0, 0, 0, 1])).toEqual([0, -1, 0, 1, 0, 0]);
    for (const triple of TRIPLES) {
      const rotation = hingeRotation(triple);
      expectSame(fromRotation6d(toRotation6d(rotation)), rotation);
    }
  });

  it('are made orthonormal: the first row keeps its direction, the second its side', () => {
    expectSame(fromRotation6d([3, 0, 0, 7, 0.5, 0]), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expectSame(fromRotation6d([0, 2, 0, -0.1, 9, 0]), [0, 1, 0, -1, 0, 0, 0, 0, 1]);
  });

  it.each([
    [[0, 0, 0, 0, 1, 0]],
    [[1, 0, 0, 0, 0, 0]],
    [[1, 2, 3, 2, 4, 6]],
    [[0.1, 0.2, 0.3, -0.3, -0.6, -0.9]],
    [[1e-9, 0, 0, 0, 1, 0]],
    [[1e300, 1e300, 1e300, 0, 1, 0]],
  ])('are none where they span no plane: %j', (values) => {
    // The last one is a direction, as far as numbers reach.
    const found = fromRotation6d(values);
    if (values[0] === 1e300) found?.forEach((value) => void expect(Number.isFinite(value)).toBe(true));
    else expect(found).toBeUndefined();
  });
});

describe('angles of the hinges', () => {
  it('give the rotation again, whatever they are near to', () => {
    for (const [i, triple] of TRIPLES.entries()) {
      const near = TRIPLES[(i + 7) % TRIPLES.length] as number[];
      const rotation = hingeRotation(triple);
      expectSame(hingeRotation(hingeAngles(rotation, near)), rotation);
    }
  });

  it('are those nearest to where the hinges are: through half a turn, and past a quarter turn of the middle one', () => {
    const near = (triple: number[], present: number[]): void => {
      hingeAngles(hingeRotation(triple), present).forEach((angle, i) => void expect(angle).toBeCloseTo(triple[i] as number, 9));
    };
    near([3.3, 0, 0], [3.1, 0, 0]);
    near([-9.5, 0.1, 0], [-9.4, 0, 0]);
    near([0.2, 1.7, 0.1], [0.2, 1.4, 0.1]);
  });

  it('leave the outer one where it is when the middle one is at a quarter turn', () => {
    const rotation = hingeRotation([0.8, Math.PI / 2, 0.3]);
    const angles = hingeAngles(rotation, [0.5, 1.5, 0]);
    expect(angles[0]).toBe(0.5);
    expectSame(hingeRotation(angles), rotation);
  });

  it('are a quaternion of the same rotation', () => {
    for (const triple of TRIPLES) expectSame(quaternionRotation(hingeQuaternion(triple)), hingeRotation(triple));
  });

  it('are turned on about an axis of their own frame', () => {
    for (const triple of TRIPLES) {
      const found = quaternionRotation(turnedAbout(hingeQuaternion(triple), [0, 0.6, 0.8], 0.7));
      expectSame(found, product(hingeRotation(triple), axisRotation([0, 0.6, 0.8], 0.7)));
    }
  });
});
