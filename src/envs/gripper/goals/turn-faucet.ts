import { axisRotation, difference, product, rotated, sum, type Vector, yawOf } from '../../mujoco/rotations.js';
import { BACK_UP, CLOSED, type ExpertPhase, gripPhase, type HandTarget, OPEN } from '../expert-phases.js';
import type { GripperGoal } from '../goal.js';
import type { GripperPose, GripperWorld } from '../world.js';
import { FAUCET_THINGS, FAUCETS, type Faucet, HEIGHT } from './faucets.js';

/** ManiSkill's TurnFaucet: turned by this share of its range. */
const TURNED = 0.9;
/** Where the faucets are that an episode does without, m. */
const AWAY = 5;
/** The expert turns by so many short moves, each by the same angle. */
const MOVES = 6;
/** A little beyond the range: what is pushed lags. */
const BEYOND = 1.06;
/** Hands close along their y, and the handles of upright axes lie along that of their posts. rad */
const ACROSS = Math.PI / 2;

interface Present {
  readonly family: number;
  readonly faucet: Faucet;
  readonly post: GripperPose;
  readonly angle: number;
}

/** The faucet of this episode. */
function present(world: GripperWorld): Present {
  // Read once: every read builds all poses.
  const { things } = world;
  const family = FAUCETS.findIndex((_, one) => (things[2 * one]?.position[0] as number) < AWAY / 2);
  const post = things[2 * family] as GripperPose;
  return { family, faucet: FAUCETS[family] as Faucet, post, angle: world.turnOf(2 * family + 1) };
}

/** Where the handle is gripped when it is turned so far. */
function gripAt({ faucet, post }: Present, angle: number): number[] {
  const rotation = product(post.rotation, axisRotation(faucet.axis, angle));
  return sum(post.position, rotated(rotation, faucet.grip));
}

/** The hand at the handle turned so far, `above` it, with this grip. */
function handAt(world: GripperWorld, angle: number, above: number, grip: number): HandTarget {
  const now = present(world);
  const { faucet, post } = now;
  const position = sum(gripAt(now, angle), [0, 0, above]);
  const yaw = yawOf(post.rotation);
  // About an upright axis, the hand turns with what it grips.
  if (faucet.axis[2] === 1) return { position, yaw: yaw + ACROSS + angle, tilt: [0, 0], grip };
  return { position, yaw, tilt: [angle, 0], grip };
}

const turn = (move: number): ExpertPhase => ({
  name: `turn ${move} of ${MOVES}`,
  ticks: 10,
  hold: move === MOVES ? 20 : 0,
  aim: (world) => handAt(world, (BEYOND * present(world).faucet.range * move) / MOVES, 0, CLOSED),
});

export const TURN_FAUCET: GripperGoal = {
  task: 'turn-faucet',
  title: 'TurnFaucet, in the manner of ManiSkill',
  words: 'Turn the blue handle of the faucet.',
  solved: 'the handle is turned by 90&nbsp;% of its range',
  things: FAUCET_THINGS,
  fixtures: [],
  observed: {
    names: [
      ...['grip_x', 'grip_y', 'grip_z', 'cosyaw', 'sinyaw', 'turned'],
      ...FAUCETS.map(({ name }) => `is_${name.replace(' ', '_')}`),
      ...['grip_from_hand_x', 'grip_from_hand_y', 'grip_from_hand_z'],
    ].map((name) => `faucet.${name}`),
    of: (world) => {
      const now = present(world);
      const at: Vector = gripAt(now, now.angle);
      const yaw = yawOf(now.post.rotation);
      const families = FAUCETS.map((_, family) => Number(family === now.family));
      return [...at, Math.cos(yaw), Math.sin(yaw), now.angle / now.faucet.range, ...families, ...difference(at, world.hand.position)];
    },
  },
  place: (uniform) => {
    const chosen = Math.min(FAUCETS.length - 1, Math.floor(uniform(0, FAUCETS.length)));
    const at = [uniform(0.1, 0.2), uniform(-0.1, 0.1)] as const;
    const yaw = uniform(-0.5, 0.5);
    return FAUCETS.map((_, family) => ({ position: [...(family === chosen ? at : [AWAY + family, 0]), HEIGHT], yaw }));
  },
  isSolved: (world) => {
    const { faucet, angle } = present(world);
    return angle > TURNED * faucet.range;
  },
  phases: [
    { name: 'hover', ticks: 24, hold: 6, aim: (world) => handAt(world, 0, 0.09, OPEN) },
    { name: 'descend', ticks: 14, hold: 6, isPaused: true, aim: (world) => handAt(world, 0, 0, OPEN) },
    gripPhase('close', CLOSED),
    ...Array.from({ length: MOVES }, (_, move) => turn(move + 1)),
    gripPhase('release', OPEN, 6),
    BACK_UP,
  ],
};
