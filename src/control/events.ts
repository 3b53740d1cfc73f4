import { checkCallbacks, checkChoice, keysOf } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import type { DecidedChunk } from './decision-source.js';
import type { LimitHit } from './limits.js';

/**
 * Where a tick's action came from: a chunk's row for this tick; the rule for late ticks (`repeat`, `hold`); nowhere yet,
 * because the first chunk of the episode is still being decided (`waiting`).
 */
export type ActionSource = 'decided' | 'repeat' | 'hold' | 'waiting';

/** What is known of an action when it is sent. */
export interface ActionInfo {
  readonly tick: number;
  readonly source: ActionSource;
  /** Row of the chunk's horizon; undefined for a hold action. */
  readonly row: number | undefined;
  /** Milliseconds since the observation that it was decided from came; undefined for a hold action. */
  readonly ageMs: number | undefined;
}

export interface TickEvent {
  readonly tick: number;
  readonly latenessMs: number;
  readonly skipped: number;
  readonly source: ActionSource;
  /** Whether an action was sent. */
  readonly sent: boolean;
  /** Rows of the newest chunk after this tick's. */
  readonly rowsLeft: number;
}

/** An observation as the loop took it; also before it starts. */
export interface ObservationEvent {
  readonly observation: Observation;
}

/** An action that was sent. */
export interface ActionEvent extends ActionInfo {
  /** f64 [actionDim], after the limits. */
  readonly action: Float64Array;
}

export interface DecisionEvent {
  /** Tick of the observation that the chunk was decided from. */
  readonly tick: number;
  readonly latencyMs: number;
  /** Whether all of its rows were over when it came. */
  readonly expired: boolean;
  /** The window that it was decided from, as the source was given it. */
  readonly window: Observation;
  /** What the source returned: of a `Policy`, a `Decision`. */
  readonly decided: DecidedChunk;
}

export interface DeadlineMissEvent {
  readonly tick: number;
  /** Late ticks in a row, this one included. */
  readonly consecutive: number;
  /** What was too slow: the source; the observations, which were too old to decide from; or the send before, which had not ended. */
  readonly cause: 'decision' | 'observation' | 'send';
}

export interface LimitEvent {
  readonly tick: number;
  readonly hits: readonly LimitHit[];
}

/**
 * Why a loop stopped. `requested`: by stop(). `deadline`: a late tick, by the rule. `decision`: the source failed, or its
 * chunk was unusable. `limit`: an action outside of limits whose mode is 'stop'. `send`: sending failed, or the action was
 * not finite. `listener`: a listener threw. `clock`: its time was not finite, went back, or stood still while timers came.
 */
export interface StopReason {
  readonly kind: 'requested' | 'deadline' | 'decision' | 'limit' | 'send' | 'listener' | 'clock';
  readonly message: string;
  /** What was thrown, where something was. */
  readonly error: unknown;
}

export interface ControlEvents {
  readonly observation: ObservationEvent;
  readonly action: ActionEvent;
  readonly tick: TickEvent;
  readonly decision: DecisionEvent;
  readonly 'deadline-miss': DeadlineMissEvent;
  readonly limit: LimitEvent;
  readonly stop: StopReason;
}

const EVENTS = keysOf<ControlEvents>({
  observation: true,
  action: true,
  tick: true,
  decision: true,
  'deadline-miss': true,
  limit: true,
  stop: true,
});

type Listener = (event: never) => void;

/** Listeners by the name of their event, called in the order in which they were added. */
export class Listeners {
  readonly #byName = new Map<keyof ControlEvents, Set<Listener>>();

  /** Returns a function that removes the listener. */
  on<Name extends keyof ControlEvents>(name: Name, listener: (event: ControlEvents[Name]) => void): () => void {
    checkChoice('ControlLoop.on', 'the event', name, EVENTS);
    checkCallbacks('ControlLoop.on', { listener: listener === undefined ? null : listener }, ['listener']);
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Calls all listeners, also when one of them throws; throws what the first of those threw. */
  emit<Name extends keyof ControlEvents>(name: Name, event: ControlEvents[Name]): void {
    const errors: unknown[] = [];
    for (const listener of this.#byName.get(name) ?? []) {
      try {
        (listener as (event: ControlEvents[Name]) => void)(event);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
