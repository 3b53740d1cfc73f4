import type { Frame } from '../../observations/frame.js';
import { FrameWindow } from '../../observations/window.js';
import type { Episode } from '../../policy/episode.js';
import type { PolicyInfo } from '../../policy/info.js';
import { FrameHistory } from '../frame-history.js';
import { decodeMessage } from '../msgpack/decode.js';
import { encodeMessage, type Packable, PackedInteger } from '../msgpack/encode.js';
import { NdArray } from '../nd-array.js';
import type { PolicyService } from '../policy-service.js';
import type { ServedPolicy } from '../served-policy.js';
import { KeyFinder, type KeyMap } from './key-map.js';
import { RESET_KEY, readObservation } from './read-observation.js';

export interface OpenpiSettings {
  /** Milliseconds between the frames that the policy was trained on: single frames so far apart are paired. Undefined: none are. */
  readonly tickMs: number | undefined;
  readonly keyMap: KeyMap;
  /** Of the package, for the metadata. */
  readonly version: string;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Told once of each key that the policy does not read. */
  readonly onIgnored: (keys: readonly string[]) => void;
}

/** Keys of a client that are told of; a client may make up any number. */
const MOST_IGNORED = 64;

/**
 * One client's conversation in openpi's protocol, without its socket: bytes in, bytes out. A session is an episode; a message with `reset: true`
 * begins another. Calls of `answer` must not overlap.
 */
export class OpenpiSession {
  readonly #service: PolicyService;
  readonly #policy: ServedPolicy;
  readonly #settings: OpenpiSettings;
  readonly #finder: KeyFinder;
  readonly #history: FrameHistory;
  readonly #ignored = new Set<string>();
  #episode: Episode;
  /** When the server was last free for this client; the reference measures a turn from there. */
  #free: number;
  #previousTotalMs: number | undefined;

  /** @throws OptionError for a key map that does not fit the policy. */
  constructor(service: PolicyService, policy: ServedPolicy, settings: OpenpiSettings) {
    this.#service = service;
    this.#policy = policy;
    this.#settings = settings;
    this.#finder = new KeyFinder(policy.info.observations, settings.keyMap);
    this.#history = new FrameHistory(policy.info.observationSteps, settings.tickMs);
    this.#episode = policy.beginEpisode();
    this.#free = settings.now();
  }

  /** The first message: what the server expects and delivers. */
  greeting(): Uint8Array {
    this.#free = this.#settings.now();
    return encodeMessage(metadata(this.#policy.info, this.#settings));
  }

  /**
   * The answer to a message: `actions`, f32 [action steps][action size] in the units of the robot, and timings in milliseconds.
   * `arrived`: when it came, on the clock of the settings. Pictures are kept where they lie in the message: nobody may write to it afterwards.
   * @throws MessageError, ObservationError, NonFiniteError, ServerBusyError, DeviceLostError: the client is told, and the connection ends.
   */
  async answer(message: Uint8Array, arrived: number): Promise<Uint8Array> {
    const { now, tickMs } = this.#settings;
    const { metrics } = this.#service;
    const { observations, observationSteps, actionDim } = this.#policy.info;
    const started = now();
    const { frames, isWindow, reset, ignored } = readObservation(decodeMessage(message), observations, this.#finder, observationSteps);
    this.#tellIgnored(ignored);
    if (reset) {
      this.#history.clear();
      this.#episode = this.#policy.beginEpisode();
    }
    const newest = frames.at(-1) as Frame;
    const window = new FrameWindow(observations, observationSteps);
    for (const frame of isWindow ? frames : this.#paired(newest, arrived)) window.push(frame);
    this.#history.push(newest, arrived);
    const decision = await this.#service.decide(this.#episode, window.observation());
    const ended = now();
    metrics.count('requests');
    metrics.measure('turnSeconds', (ended - arrived) / 1000);
    if (tickMs !== undefined && ended - arrived > tickMs) metrics.count('late');
    const { actions, latencyMs } = decision;
    return encodeMessage({
      actions: NdArray.ofFloats(actions, [actions.length / actionDim, actionDim]),
      server_timing: {
        infer_ms: ended - started,
        ...(this.#previousTotalMs === undefined ? {} : { prev_total_ms: this.#previousTotalMs }),
      },
      policy_timing: { infer_ms: latencyMs },
    });
  }

  /** The answer has left. */
  sent(): void {
    const now = this.#settings.now();
    this.#previousTotalMs = now - this.#free;
    this.#free = now;
  }

  #paired(newest: Frame, arrived: number): readonly Frame[] {
    const { frames, repeated } = this.#history.read(newest, arrived);
    if (repeated > 0) this.#service.metrics.count('repeatedFrames', repeated);
    return frames;
  }

  #tellIgnored(keys: readonly string[]): void {
    const fresh = keys.filter((key) => !this.#ignored.has(key)).slice(0, MOST_IGNORED - this.#ignored.size);
    if (keys.length > 0) this.#service.metrics.count('ignoredKeys', keys.length);
    if (fresh.length === 0) return;
    for (const key of fresh) this.#ignored.add(key);
    this.#settings.onIgnored(fresh);
  }
}

/** Whole numbers travel as integers, the tick as a float; clients read what they know of it. */
function metadata(info: PolicyInfo, { version, tickMs }: OpenpiSettings): Packable {
  const { name, observations, observationSteps, actionDim, actionSteps, horizon, strategy, precision, adapter } = info;
  return {
    server: 'warmstep',
    version,
    policy: name,
    observations: Object.fromEntries(
      observations.map((one) => [
        one.name,
        one.kind === 'vector'
          ? { kind: 'vector', dtype: 'float32', shape: [new PackedInteger(one.size)] }
          : { kind: 'image', dtype: 'uint8', shape: [one.height, one.width, 3].map((side) => new PackedInteger(side)) },
      ]),
    ),
    observation_steps: new PackedInteger(observationSteps),
    tick_ms: tickMs ?? null,
    action_dim: new PackedInteger(actionDim),
    action_steps: new PackedInteger(actionSteps),
    horizon: new PackedInteger(horizon),
    reset_key: RESET_KEY,
    strategy,
    precision,
    adapter: adapter.description,
  };
}
