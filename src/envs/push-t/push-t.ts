import { NonFiniteError, OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkToggle } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { Environment, EnvironmentStep } from '../environment.js';
import { Coverage } from './coverage.js';
import { drawState } from './reset.js';
import { type ContactPoint, checkState, FARTHEST, isUsable, type PushTState } from './state.js';
import { SUBSTEP, World } from './world.js';

export type { ContactPoint, PushTState } from './state.js';

/** Ticks after which an episode is cut. */
export const PUSH_T_MAX_STEPS = 300;

/** Coverage above which the task is done. */
export const SUCCESS_COVERAGE = 0.95;

const SUBSTEPS = 10;

/** What one tick led to. */
export interface PushTStep extends EnvironmentStep {
  /** Share of the target that the block covers, 0 … 1. */
  readonly coverage: number;
  /** coverage / 0.95, limited to 0 … 1. */
  readonly reward: number;
  /** coverage > 0.95. */
  readonly success: boolean;
}

export interface PushTOptions {
  /**
   * Order in which a reset sets the block: position and then angle (true, default, as gym-pusht), which turns the block
   * about its centre of gravity and so moves its origin away from where it was drawn; or angle and then position.
   */
  readonly legacy?: boolean;
}

/**
 * Push-T: an agent's disc pushes a T-shaped block onto a target pose (gym-pusht 0.1.5 on Chipmunk 7, equal to 1e-9 over
 * an episode). One tick takes 0.1 s of simulated time. Instances share nothing; no call changes its arguments.
 */
export class PushT implements Environment<PushTState> {
  readonly #legacy: boolean;
  readonly #coverage = new Coverage();
  #world = new World();

  /** Stands where gym-pusht sets the scene up; call `reset` before the first step. */
  constructor(options: PushTOptions = {}) {
    checkKeys('PushT', options, ['legacy']);
    const { legacy = true } = options;
    this.#legacy = checkToggle('PushT', 'legacy', legacy);
  }

  /** Begins the episode of a seed, an integer from 0 to 2^32 − 1; NumPy's legacy generator draws where things are. */
  reset(seed: number): PushTState {
    return this.resetTo(drawState(checkInteger('PushT.reset', 'seed', seed, 0, 2 ** 32 - 1)));
  }

  /**
   * Begins an episode from a state (gym-pusht's `reset_to_state`). In the legacy order the block's position is that of
   * the block before it is turned; what it becomes is returned. Throws OptionError for a state that is not finite.
   */
  resetTo(state: PushTState): PushTState {
    return this.#begin('PushT.resetTo', state, this.#legacy);
  }

  /** Begins an episode with everything exactly there, whatever the order: e.g. the first state of a demonstration. */
  placeAt(state: PushTState): PushTState {
    return this.#begin('PushT.placeAt', state, false);
  }

  /**
   * One tick towards `target`: x and y in pixels, expected within 0 … 512 but not clipped. Throws OptionError
   * for anything but two numbers within ±10^9, NonFiniteError for NaN or infinity; the state is then as before.
   */
  step(target: ArrayLike<number>): PushTStep {
    const [x, y] = checkTarget(target);
    const { agent } = this.#world;
    for (let i = 0; i < SUBSTEPS; i++) {
      agent.steer(x, y, SUBSTEP);
      this.#world.substep();
    }
    const { coverage } = this;
    return { coverage, reward: Math.min(1, coverage / SUCCESS_COVERAGE), success: coverage > SUCCESS_COVERAGE };
  }

  /** Positions now; a snapshot, which later steps do not change. */
  get state(): PushTState {
    const { agent, block } = this.#world;
    return { agentX: agent.x, agentY: agent.y, ...block.pose };
  }

  /** Share of the target that the block covers, 0 … 1. */
  get coverage(): number {
    return this.#coverage.of(this.#world.block.pose);
  }

  /** Where the block touched agent and walls in the last substep, halfway between the surfaces. */
  get contactPoints(): readonly ContactPoint[] {
    return this.#world.contactPoints;
  }

  #begin(where: string, state: PushTState, positionFirst: boolean): PushTState {
    const { agentX, agentY, blockX, blockY, angle } = checkState(where, state);
    const world = new World();
    [world.agent.x, world.agent.y] = [agentX, agentY];
    if (positionFirst) world.block.placeOrigin(blockX, blockY);
    world.block.turnTo(angle);
    if (!positionFirst) world.block.placeOrigin(blockX, blockY);
    // gym-pusht lets one substep pass. Nothing moves in it, but where agent and block overlap, it prepares their being
    // pushed apart.
    world.substep();
    this.#world = world;
    return this.state;
  }
}

function checkTarget(target: ArrayLike<number>): readonly [number, number] {
  const [x, y] = [target?.[0], target?.[1]];
  if (target?.length !== 2 || typeof x !== 'number' || typeof y !== 'number') {
    throw new OptionError(
      `PushT.step: target must be 2 numbers, x and y in pixels, found ${shownValue(target?.length)}: pass the executed action alone.`,
    );
  }
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    throw new NonFiniteError(`PushT.step: target must be 2 finite numbers, found (${x}, ${y}): look at what computed it.`);
  }
  if (!isUsable(x) || !isUsable(y)) {
    throw new OptionError(`PushT.step: target must be within ±${FARTHEST} pixels, found (${x}, ${y}): un-normalise it.`);
  }
  return [x, y];
}
