import { EnvironmentLostError, type EnvironmentStep, type Task, type TaskEnvironment } from '../envs/environment.js';
import type { SceneAxis } from '../envs/scene.js';
import { NonFiniteError, ObservationError, OptionError } from '../foundation/errors.js';
import { visible } from '../foundation/visible.js';
import { checkFrame } from '../observations/check.js';
import type { Observation } from '../observations/frame.js';
import { FrameWindow } from '../observations/window.js';
import type { Decision } from '../policy/decision-result.js';
import type { Episode } from '../policy/episode.js';
import type { PolicyInfo } from '../policy/info.js';
import type { EpisodeRecord, Replay } from './record.js';

export interface RolloutOptions {
  readonly task: Task;
  readonly seed: number;
  /** Default false. */
  readonly keepReplay?: boolean;
  /** How long an environment may take for a reset or a step. Default 30 s. */
  readonly stepTimeoutMs?: number;
}

type Sizes = Pick<PolicyInfo, 'observations' | 'observationSteps' | 'actionDim'>;

const STEP_TIMEOUT_MS = 30_000;
const REWARD_DIGITS = 4;

/** One episode in closed loop: observations out, decisions in, until the task is done or the ticks are used up. */
export class Rollout {
  readonly seed: number;
  readonly episode: Episode;
  /** There from `begin` on. */
  #environment: TaskEnvironment | undefined;
  readonly #options: RolloutOptions;
  readonly #sizes: Sizes;
  readonly #window: FrameWindow;
  readonly #rewards: number[] = [];
  readonly #jumps: number[] = [];
  readonly #states: number[] = [];
  readonly #targets: number[] = [];
  readonly #decisionTicks: number[] = [];
  readonly #stalledDecisions: number[] = [];
  #evaluations = 0;
  #screening = 0;
  #success = false;
  #failure: string | undefined;
  /** Row of the last chunk that was executed last, normalised. */
  #lastRow: Float32Array | undefined;

  constructor(episode: Episode, sizes: Sizes, options: RolloutOptions) {
    this.episode = episode;
    this.seed = options.seed;
    this.#options = options;
    this.#sizes = sizes;
    this.#window = new FrameWindow(sizes.observations, sizes.observationSteps);
  }

  /** Makes the environment and brings it to its first state. @throws EnvironmentLostError. */
  async begin(): Promise<void> {
    let created: Promise<TaskEnvironment> | undefined;
    try {
      created = this.#options.task.create();
      this.#environment = await this.#inTime(created, 'create');
      await this.#inTime(Promise.resolve(this.#environment.reset(this.seed)), 'reset');
      this.#observe();
    } catch (error) {
      // One that comes too late is not kept.
      if (!this.#environment) created?.then((late) => late.close?.()).catch(() => {});
      this.#failEnvironment(error);
    }
  }

  get #present(): TaskEnvironment {
    if (!this.#environment) throw new OptionError('Rollout: there is no environment before begin() or after close().');
    return this.#environment;
  }

  get isOver(): boolean {
    return this.#success || this.#failure !== undefined || this.#rewards.length >= this.#options.task.maxTicks;
  }

  get ticks(): number {
    return this.#rewards.length;
  }

  /** Reward of the last tick. */
  get reward(): number {
    return this.#rewards.at(-1) ?? 0;
  }

  /** What a replay draws of the present. */
  get snapshot(): readonly number[] {
    return this.#present.snapshot();
  }

  /** The newest observations by name, flattened [observationSteps][size]. */
  get window(): Observation {
    return this.#window.observation();
  }

  /** Executes the actions of a decision; `onTick` is called after each. */
  async execute(decision: Decision, onTick?: () => void | Promise<void>): Promise<void> {
    const { actionDim } = this.#sizes;
    this.#recordDecision(decision);
    for (let row = 0; row * actionDim < decision.actions.length && !this.isOver; row++) {
      const action = decision.actions.subarray(row * actionDim, (row + 1) * actionDim);
      try {
        const step = await this.#inTime(this.#present.step(action), 'step');
        this.#recordTick(action, step);
      } catch (error) {
        this.#failEnvironment(error);
        return;
      }
      const first = (decision.firstRow + row) * actionDim;
      this.#lastRow = decision.normalizedChunk.slice(first, first + actionDim);
      await onTick?.();
    }
  }

  /** Gives the environment back: its episode is over, or given up. `record` is as before, `snapshot` is not there any more. */
  close(): void {
    this.#environment?.close?.();
    this.#environment = undefined;
  }

  /** Ends the episode by a decision that could not be made. @throws `reason` where it is no matter of this episode alone. */
  failDecision(reason: unknown): void {
    // What its environment shows, or what the network makes of that.
    if (!(reason instanceof ObservationError || reason instanceof NonFiniteError)) throw reason;
    this.fail(reason);
  }

  /** Ends the episode by what its environment threw. @throws EnvironmentLostError, which is no matter of this episode alone. */
  #failEnvironment(error: unknown): void {
    if (error instanceof EnvironmentLostError) throw error;
    this.fail(error);
  }

  /** Ends the episode early; it keeps what it reached. */
  fail(reason: unknown): void {
    this.#failure = visible(reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
  }

  record(): EpisodeRecord {
    return {
      seed: this.seed,
      score: this.#rewards.reduce((most, reward) => Math.max(most, reward), 0),
      success: this.#success,
      ticks: this.#rewards.length,
      decisions: this.#decisionTicks.length,
      evaluations: this.#evaluations,
      screening: this.#screening,
      stalls: this.#stalledDecisions.length,
      jumps: this.#jumps.map((jump) => rounded(jump, REWARD_DIGITS)),
      rewards: this.#rewards.map((reward) => rounded(reward, REWARD_DIGITS)),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      // Without a state, because the reset failed, there is nothing to draw.
      ...(this.#states.length > 0 ? { replay: this.#replay() } : {}),
    };
  }

  #recordDecision({ normalizedChunk: chunk, firstRow, evaluations, screening, stalled }: Decision): void {
    const { actionDim } = this.#sizes;
    const last = this.#lastRow;
    if (last) {
      const first = chunk.subarray(firstRow * actionDim, (firstRow + 1) * actionDim);
      this.#jumps.push(Math.hypot(...last.map((value, i) => value - (first[i] as number))));
    }
    this.#evaluations += evaluations;
    this.#screening += screening;
    if (stalled) this.#stalledDecisions.push(this.#decisionTicks.length);
    this.#decisionTicks.push(this.#rewards.length);
  }

  #recordTick(action: Float32Array, { reward, success }: EnvironmentStep): void {
    if (!(reward >= 0 && reward <= 1)) throw new TypeError(`the environment returned the reward ${reward}, expected a number from 0 to 1`);
    this.#rewards.push(reward);
    this.#success = success;
    if (this.#options.keepReplay) this.#targets.push(...checked('action', action, this.#options.task.scene.targets));
    this.#observe();
  }

  #observe(): void {
    // First, because the observation may be refused: a replay has a state for every tick.
    if (this.#options.keepReplay) this.#states.push(...checked('snapshot', this.snapshot, this.#options.task.scene.snapshot));
    // An observation that is refused is this environment's failure: in a batch it would be everyone's.
    this.#window.push(checkFrame(this.#sizes.observations, this.#present.observe(), 'the environment'));
  }

  #replay(): Replay {
    const { snapshot, targets } = this.#options.task.scene;
    return {
      states: roundedAlong(snapshot, this.#states),
      targets: roundedAlong(targets, this.#targets),
      decisionTicks: this.#decisionTicks,
      stalledDecisions: this.#stalledDecisions,
    };
  }

  /** An environment that never answers must not hold up all others. Most answer at once, which costs no timer. */
  async #inTime<T>(answer: T | Promise<T>, what: string): Promise<T> {
    if (!(answer instanceof Promise)) return answer;
    const { stepTimeoutMs = STEP_TIMEOUT_MS } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`the environment did not answer ${what} within ${stepTimeoutMs} ms`);
      timer = setTimeout(() => reject(error), stepTimeoutMs);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }
}

/** A replay whose values are not those of the scene would be drawn as something else. */
function checked(what: string, values: ArrayLike<number>, axes: readonly SceneAxis[]): number[] {
  if (values.length !== axes.length) {
    const names = axes.map(({ name }) => name).join(', ');
    throw new TypeError(`the environment's ${what} has ${values.length} values, its scene has ${axes.length} (${names})`);
  }
  return Array.from(values);
}

/** `values`: [any number][axes], flattened. */
function roundedAlong(axes: readonly SceneAxis[], values: readonly number[]): number[] {
  return values.map((value, i) => rounded(value, (axes[i % axes.length] as SceneAxis).digits));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
