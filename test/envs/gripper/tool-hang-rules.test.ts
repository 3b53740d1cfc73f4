import { describe, expect, it } from 'vitest';
import { BASE_MIDDLE, FRAME, HOOK, RING, TOOL } from '../../../src/envs/gripper/goals/tool-hang-parts.js';
import { isAssembled, isHung } from '../../../src/envs/gripper/goals/tool-hang-rules.js';
import { hingeRotation } from '../../../src/envs/gripper/rotation-6d.js';
import type { GripperPose, GripperWorld } from '../../../src/envs/gripper/world.js';

const UPRIGHT = hingeRotation([0, 0, 0]);
const STAND: GripperPose = { position: [0.2, 0.1, 0], rotation: UPRIGHT };
/** Of the corner, where the rod's tip is 2 cm over the middle of the base. */
const CORNER = [0.2, 0.1, BASE_MIDDLE + 0.02 + FRAME.rod];

const moved = (position: readonly number[], by: readonly number[]): number[] => position.map((value, i) => value + (by[i] as number));

/** Stand, frame, tool, and what touches: nothing of MuJoCo. */
function world(frame: GripperPose, tool: GripperPose, { pads = false, hook = true, stand = STAND } = {}): GripperWorld {
  const nobody = (): never => {
    throw new Error('the rules do not ask for this');
  };
  return {
    hand: STAND,
    hands: [STAND],
    things: [stand, frame, tool],
    turnOf: nobody,
    speed: nobody,
    isGrasped: nobody,
    isTouched: (thing) => thing === 2 && pads,
    touches: (solids, other) => solids === RING && other === HOOK && hook,
  };
}

const FRAME_UPRIGHT: GripperPose = { position: CORNER, rotation: UPRIGHT };
/** The ring's axis, y of the tool, along x; under the hook, half way. */
const ALONG_X = hingeRotation([-Math.PI / 2, 0, 0]);
const HANGING: GripperPose = { position: moved(CORNER, [0.5 * FRAME.hook, 0, -0.015]), rotation: ALONG_X };

describe('the frame is in the stand', () => {
  const tilted = (angle: number): GripperPose => {
    // About its tip.
    const rotation = hingeRotation([0, angle, 0]);
    const tip = moved(CORNER, [0, 0, -FRAME.rod]);
    return { position: moved(tip, [Math.sin(angle) * FRAME.rod, 0, Math.cos(angle) * FRAME.rod]), rotation };
  };

  it.each([
    ['upright in its cavity', FRAME_UPRIGHT, {}, true],
    ['leaning by its clearance', tilted(0.08), {}, true],
    ['turned about itself', { position: CORNER, rotation: hingeRotation([2, 0, 0]) }, {}, true],
    ['above its walls', { position: moved(CORNER, [0, 0, 0.06]), rotation: UPRIGHT }, {}, false],
    ['beside its walls', { position: moved(CORNER, [0.03, 0, 0]), rotation: UPRIGHT }, {}, false],
    ['beside its walls, the other way', { position: moved(CORNER, [0, -0.03, 0]), rotation: UPRIGHT }, {}, false],
    ['lying across it', { position: CORNER, rotation: hingeRotation([0, 0, Math.PI / 2]) }, {}, false],
    ['in a stand that fell over', FRAME_UPRIGHT, { stand: { ...STAND, rotation: hingeRotation([0, 0.2, 0]) } }, false],
  ] as const)('where it is %s', (_, frame, shape, expected) => {
    expect(isAssembled(world(frame, HANGING, shape), 0, 1)).toBe(expected);
  });
});

describe('the tool hangs on the hook', () => {
  it.each([
    ['around it, half way', HANGING, {}, true],
    ['with its handle down', { ...HANGING, rotation: hingeRotation([-Math.PI / 2, -1.5, 0]) }, {}, true],
    ['as low as the corners of its ring let it', { ...HANGING, position: moved(CORNER, [0.05, 0, -0.0185]) }, {}, true],
    ['lower than that', { ...HANGING, position: moved(CORNER, [0.05, 0, -0.0195]) }, {}, false],
    ['held by a pad', HANGING, { pads: true }, false],
    ['around it without touching it', HANGING, { hook: false }, false],
    ['before its end', { ...HANGING, position: moved(CORNER, [FRAME.hook + 0.01, 0, 0]) }, {}, false],
    ['hardly past its end', { ...HANGING, position: moved(CORNER, [0.97 * FRAME.hook, 0, 0]) }, {}, false],
    ['beyond the corner', { ...HANGING, position: moved(CORNER, [-0.01, 0, 0]) }, {}, false],
    ['beside it', { ...HANGING, position: moved(HANGING.position, [0, TOOL.inner, 0]) }, {}, false],
  ] as const)('where it is %s: %s', (_, tool, shape, expected) => {
    expect(isHung(world(FRAME_UPRIGHT, tool, shape), 1, 2)).toBe(expected);
  });
});
