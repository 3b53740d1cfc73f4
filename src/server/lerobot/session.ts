import { shownValue } from '../../foundation/shown.js';
import { checkFrame } from '../../observations/check.js';
import type { Frame } from '../../observations/frame.js';
import { FrameWindow } from '../../observations/window.js';
import type { Decision } from '../../policy/decision-result.js';
import type { Episode } from '../../policy/episode.js';
import { MessageError } from '../errors.js';
import { FrameHistory } from '../frame-history.js';
import type { PolicyService } from '../policy-service.js';
import type { ServedPolicy } from '../served-policy.js';
import { ObservationSlot } from './observation-slot.js';
import { fieldOf, readPickle } from './pickle-read.js';
import { type Pickled, PickledRecord } from './pickle-values.js';
import { writeActions } from './pickle-write.js';
import { RobotFeatures } from './robot-features.js';

export interface LeRobotSettings {
  /** Ticks of the robot per second, which the policy was trained at. */
  readonly fps: number;
  /** Milliseconds that a call for actions waits for an observation. */
  readonly waitMs: number;
  /** Milliseconds that an answer takes at least, from the call on: what the reference does, so that clients do not turn in a circle. */
  readonly leastMs: number;
  /** Seed of the noise of its first episode; those after it count on. */
  readonly seed: number;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Told of what the client never sees: why it gets no actions. */
  readonly onRefused: (error: unknown) => void;
}

/** What a client said of itself. */
export interface Instructions {
  /** Module path of its classes, which the answers use too. */
  readonly module: string;
  readonly features: RobotFeatures;
  readonly actionsPerChunk: number;
  /** The checkpoint that it named: told, never loaded. */
  readonly checkpoint: string;
}

interface WaitingObservation {
  readonly timestamp: number;
  readonly timestep: number;
  readonly frame: Frame;
  readonly frames: readonly Frame[];
}

/** Distance of joint vectors below which the reference takes two observations for one. */
const SIMILAR = 1;
/** Time steps that are remembered as decided. */
const MOST_TIMESTEPS = 4096;
const MOST_TAKERS = 4;
const MOST_ACTIONS = 10_000;

/**
 * One robot's conversation in the protocol of LeRobot's asynchronous inference, without its transport. What the client's pickles say is read
 * as data; which policy is served is the server's choice alone.
 */
export class LeRobotSession {
  readonly #service: PolicyService;
  readonly #policy: ServedPolicy;
  readonly #settings: LeRobotSettings;
  readonly #history: FrameHistory;
  readonly #slot = new ObservationSlot<WaitingObservation>();
  readonly #decided = new Set<number>();
  #instructions: Instructions | undefined;
  #last: WaitingObservation | undefined;
  #episode: Episode | undefined;
  #episodes = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(service: PolicyService, policy: ServedPolicy, settings: LeRobotSettings) {
    this.#service = service;
    this.#policy = policy;
    this.#settings = settings;
    this.#history = new FrameHistory(policy.info.observationSteps, 1000 / settings.fps);
  }

  get instructions(): Instructions | undefined {
    return this.#instructions;
  }

  /** Call `Ready`: a client begins anew. */
  ready(): void {
    this.#slot.clear();
    this.#decided.clear();
    this.#history.clear();
    this.#last = undefined;
    this.#episode = undefined;
  }

  /**
   * Call `SendPolicyInstructions`: the pickle of a RemotePolicyConfig. @throws MessageError for another kind of policy, and for a robot whose features
   * are not those of the policy.
   */
  instruct(pickle: Uint8Array): Instructions {
    const { module, fields } = recordOf(pickle, 'RemotePolicyConfig');
    const kind = fields.get('policy_type');
    if (kind !== 'diffusion')
      throw new MessageError(`policy_type "${shownValue(kind)}": this server has a diffusion policy. Give policy_type=diffusion.`);
    const actionsPerChunk = fields.get('actions_per_chunk');
    if (
      typeof actionsPerChunk !== 'number' ||
      !Number.isInteger(actionsPerChunk) ||
      actionsPerChunk < 1 ||
      actionsPerChunk > MOST_ACTIONS
    ) {
      throw new MessageError(`actions_per_chunk must be a whole number from 1 to ${MOST_ACTIONS}, found ${shownValue(actionsPerChunk)}.`);
    }
    const features = new RobotFeatures(this.#policy.info.observations, fields.get('lerobot_features'), fields.get('rename_map'));
    const instructions = { module, features, actionsPerChunk, checkpoint: shownValue(fields.get('pretrained_name_or_path')) };
    this.adopt(instructions);
    return instructions;
  }

  /** Instructions of an earlier connection of the same robot. */
  adopt(instructions: Instructions): void {
    this.#instructions = instructions;
  }

  /** Call `SendObservations`: the pickle of a TimedObservation. Whether it will be decided on. @throws MessageError, ObservationError. */
  observe(pickle: Uint8Array): boolean {
    const { features } = this.#instructed();
    const { fields } = recordOf(pickle, 'TimedObservation');
    const timestamp = fields.get('timestamp');
    const timestep = fields.get('timestep');
    if (typeof timestamp !== 'number' || !Number.isFinite(timestamp))
      throw new MessageError(`timestamp must be seconds, found ${shownValue(timestamp)}.`);
    if (typeof timestep !== 'number' || !Number.isInteger(timestep) || timestep < 0) {
      throw new MessageError(`timestep must be a whole number of at least 0, found ${shownValue(timestep)}.`);
    }
    const frame = checkFrame(this.#policy.info.observations, features.observation(fieldOf(fields.get('observation'))), 'observation');
    const { frames, repeated } = this.#history.read(frame, timestamp * 1000);
    this.#history.push(frame, timestamp * 1000);
    if (fields.get('must_go') !== true && !this.#isNews(timestep, frame)) return false;
    if (repeated > 0) this.#service.metrics.count('repeatedFrames', repeated);
    this.#slot.put({ timestamp, timestep, frame, frames });
    return true;
  }

  /**
   * Call `GetActions`: the pickle of a list of TimedActions, or nothing where no observation came or the decision failed; of the latter the
   * settings are told. Calls may overlap; they are answered one after the other.
   */
  async actions(): Promise<Uint8Array> {
    const { now, waitMs, leastMs, onRefused } = this.#settings;
    const called = now();
    const waiting = await this.#slot.take(waitMs, MOST_TAKERS);
    if (!waiting) return new Uint8Array(0);
    try {
      const turn = this.#turn.then(() => this.#decide(waiting));
      this.#turn = turn.catch(() => {});
      const decision = await turn;
      const actions = this.#timed(waiting, decision);
      this.#service.metrics.count('requests');
      this.#service.metrics.measure('turnSeconds', (now() - called) / 1000);
      const rest = leastMs - (now() - called);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      return actions;
    } catch (error) {
      onRefused(error);
      return new Uint8Array(0);
    }
  }

  #instructed(): Instructions {
    if (!this.#instructions)
      throw new MessageError('no instructions yet: the client must call SendPolicyInstructions first. Start it again.');
    return this.#instructions;
  }

  /** The reference's rule: not decided before, and not where the robot was when the last decision was made. */
  #isNews(timestep: number, { values }: Frame): boolean {
    const last = this.#last;
    if (!last) return true;
    if (this.#decided.has(timestep)) return false;
    const squares = values.reduce((sum, value, i) => sum + (value - (last.frame.values[i] as number)) ** 2, 0);
    return Math.sqrt(squares) >= SIMILAR;
  }

  /**
   * Strategies that go on from the last chunk take it for that of so many ticks before as they execute of one. Where the client has asked at
   * another distance, an episode begins: with a start from noise, and noise of its own.
   */
  async #decide(waiting: WaitingObservation): Promise<Decision> {
    const { observations, observationSteps, actionSteps } = this.#policy.info;
    const distance = this.#last ? waiting.timestep - this.#last.timestep : undefined;
    if (!this.#episode || distance !== actionSteps)
      this.#episode = this.#policy.beginEpisode({ seed: this.#settings.seed + this.#episodes++ });
    this.#remember(waiting.timestep);
    this.#last = waiting;
    const window = new FrameWindow(observations, observationSteps);
    for (const frame of waiting.frames) window.push(frame);
    return this.#service.decide(this.#episode, window.observation());
  }

  #remember(timestep: number): void {
    this.#decided.add(timestep);
    const [oldest] = this.#decided;
    if (this.#decided.size > MOST_TIMESTEPS && oldest !== undefined) this.#decided.delete(oldest);
  }

  #timed({ timestamp, timestep }: WaitingObservation, { actions }: Decision): Uint8Array {
    const { actionDim } = this.#policy.info;
    const { module, actionsPerChunk } = this.#instructed();
    const count = Math.min(actionsPerChunk, actions.length / actionDim);
    return writeActions(
      module,
      Array.from({ length: count }, (_, i) => ({
        timestamp: timestamp + i / this.#settings.fps,
        timestep: timestep + i,
        action: actions.subarray(i * actionDim, (i + 1) * actionDim),
      })),
    );
  }
}

function recordOf(pickle: Uint8Array, name: string): PickledRecord {
  const value: Pickled = readPickle(pickle);
  if (!(value instanceof PickledRecord) || value.name !== name) {
    throw new MessageError(`pickle: must be a ${name}, found ${value instanceof PickledRecord ? value.name : shownValue(value)}.`);
  }
  return value;
}
