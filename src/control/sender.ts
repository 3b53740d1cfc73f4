import { NonFiniteError } from '../foundation/errors.js';
import type { ActionInfo } from './events.js';

/** An action, f64 [actionDim], and when the observation that it was decided from came, where one did. */
export interface SentAction {
  readonly action: Float64Array;
  readonly observedAtMs: number | undefined;
}

/** Sends an action, f64 [actionDim], to the robot. The array is the receiver's own. */
export type Send = (action: Float64Array, info: ActionInfo) => void | Promise<void>;

/**
 * Sends one action at a time. A send is not waited for, since the next tick comes at its time anyway; as long as it has not
 * ended, the sender is busy. A rejection goes to `onError`.
 */
export class Sender {
  readonly #send: Send;
  readonly #onError: (error: unknown) => void;
  /** What the robot was told last, by this sender or before; undefined where nothing is known of it. */
  last: SentAction | undefined;
  #pending: Promise<void> | undefined;

  constructor(send: Send, onError: (error: unknown) => void) {
    this.#send = send;
    this.#onError = onError;
  }

  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  /** @throws NonFiniteError, the last gate before the robot, whatever happened before it; and what `send` throws. */
  send(sent: SentAction, info: ActionInfo): void {
    const { action } = sent;
    const bad = action.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new NonFiniteError(`the action of tick ${info.tick} is ${String(action[bad])} in dimension ${bad}; it was not sent.`);
    }
    this.last = sent;
    const ended = this.#send(action.slice(), info);
    if (ended === undefined) return;
    this.#pending = Promise.resolve(ended)
      .catch(this.#onError)
      .finally(() => {
        this.#pending = undefined;
      });
  }

  /** Resolves when no send is running any more; undefined where none is. */
  settled(): Promise<void> | undefined {
    return this.#pending;
  }
}
