import { OptionError } from '../foundation/errors.js';
import {
  checkCallbacks,
  checkChoice,
  checkInteger,
  checkKeys,
  checkList,
  checkMethods,
  checkNumber,
  checkObject,
  checkToggle,
  copyNumbers,
  keysOf,
} from '../foundation/options.js';
import { shownNumbers, shownValue } from '../foundation/shown.js';
import { PREPARE_CHOICES, type PrepareChoice } from '../spec/prepare-options.js';
import { type Clock, SYSTEM_CLOCK } from './clock.js';
import type { DecisionSource, DecisionSourceInfo } from './decision-source.js';
import type { StopReason } from './events.js';
import { type ActionLimits, Limiter } from './limits.js';
import type { Send } from './sender.js';

/**
 * What happens in a tick for which no row of a chunk is there.
 * - `hold`: `holdAction` is sent, or nothing without it: the robot waits where it is. The decision waits as well: its time does
 *   not go on, and when the chunk comes, it goes on with the row that was missing.
 * - `repeat`: the action sent last is sent again. Time goes on: rows that are over when the chunk comes are dropped.
 * - `stop`: safe stop, nothing is sent.
 */
export type LateRule = 'hold' | 'repeat' | 'stop';

export interface ControlLoopOptions {
  /** Time from one tick to the next; the rate that the policy was trained for. */
  readonly tickMs: number;
  /**
   * Sends an action. It may return a promise, which is not waited for: ticks that come before it resolves send nothing, count as
   * busy and are late by the rule (see `maxMisses`). Throwing and rejecting stop the loop.
   */
  readonly send: Send;
  /**
   * Called once, as soon as the loop stops for any reason: the place to make the robot stand still.
   * `stopped` waits for it, so it must not wait for `stopped`.
   */
  readonly onStop: (reason: StopReason) => void | Promise<void>;
  /**
   * How long `stopped` waits for `onStop`, for listeners of 'stop', and for a decision that is still running, in milliseconds of the runtime. Default 10,000. What
   * has not ended by then is named in the message of the reason that `stopped` resolves with.
   */
  readonly stopTimeoutMs?: number;
  readonly late: LateRule;
  /** [actionDim]. For robots on which silence does not mean standing still, e.g. zeros for velocities. */
  readonly holdAction?: ArrayLike<number>;
  /**
   * Late ticks in a row after which the loop stops safely. Default: no limit for `hold`, which is safe for as long as it
   * lasts; the horizon for `repeat`: the policy has said nothing of times further ahead. The horizon also for ticks at which the send before
   * has not ended, by whatever rule. By the rule `stop`: ticks that a first observation may take.
   */
  readonly maxMisses?: number;
  /**
   * Ticks from the observation of one decision to that of the next. Default: the policy's, or half of the usable rows where
   * those leave none for deciding ahead. Other values move chunks against each other by other numbers of rows than the
   * policy's warm starts take for granted.
   */
  readonly actionSteps?: number;
  /**
   * Ticks that a decision may take: a chunk is used for `actionSteps` + `lead` ticks from its observation on, and deciding of
   * the next begins `lead` ticks before it runs out. It takes over as soon as it is there, so a large lead costs nothing
   * where the source is fast. Default: all that the horizon has left; less is a stricter deadline.
   */
  readonly lead?: number;
  /** Observations older than this are not decided from; what follows is late by the rule. Default: no limit. */
  readonly maxObservationAgeMs?: number;
  readonly limits?: ActionLimits;
  /**
   * How decisions are readied right before their ticks, by a source that can: see `Policy.prepare`. `device` (default): a short one is made once more, on
   * zeros, which doubles what the device does for it; `host`: without the device; `off`: not at all, which leaves the processor three milliseconds more
   * to sleep before such a tick.
   */
  readonly prepare?: PrepareChoice | 'off';
  /** Default: the runtime's. */
  readonly clock?: Clock;
}

export interface ResolvedOptions {
  readonly tickMs: number;
  readonly send: Send;
  readonly onStop: (reason: StopReason) => void | Promise<void>;
  readonly stopTimeoutMs: number;
  readonly late: LateRule;
  readonly holdAction: Float64Array | undefined;
  readonly maxMisses: number;
  /** The same for ticks at which the send before has not ended. */
  readonly maxBusy: number;
  readonly actionSteps: number;
  readonly lead: number;
  readonly maxObservationAgeMs: number;
  readonly limiter: Limiter;
  readonly prepare: PrepareChoice | 'off';
  readonly clock: Clock;
}

const WHERE = 'ControlLoop';
const STOP_TIMEOUT_MS = 10_000;
/** What timers of the runtime count up to. */
const MOST_TIMER_MS = 2 ** 31 - 1;
/** More rows, or values in a row, than any policy has. */
const MOST_STEPS = 2 ** 20;
const KEYS = keysOf<ControlLoopOptions>({
  tickMs: true,
  send: true,
  onStop: true,
  stopTimeoutMs: true,
  late: true,
  holdAction: true,
  maxMisses: true,
  actionSteps: true,
  lead: true,
  maxObservationAgeMs: true,
  limits: true,
  prepare: true,
  clock: true,
});

/** @throws OptionError. */
export function resolveOptions(options: ControlLoopOptions, info: DecisionSourceInfo): ResolvedOptions {
  checkKeys(WHERE, options, KEYS);
  const late = checkChoice(WHERE, 'late', options.late, ['hold', 'repeat', 'stop']);
  for (const name of ['send', 'onStop'] as const) {
    if (typeof options[name] !== 'function')
      throw new OptionError(
        `${WHERE}: ${name} must be a function, found ${typeof options[name] === 'object' ? shownValue(options[name]) : typeof options[name]}.`,
      );
  }
  // Rows from the newest observation on; those before it are in the past.
  const rows = info.horizon - info.observationSteps + 1;
  if (rows < 2) {
    const least = info.observationSteps + 1;
    throw new OptionError(`${WHERE}: deciding ahead needs a horizon of at least ${least}, the policy has ${info.horizon}.`);
  }
  const usual = info.actionSteps < rows ? info.actionSteps : Math.ceil(rows / 2);
  const actionSteps = checkInteger(WHERE, 'actionSteps', options.actionSteps ?? usual, 1, rows - 1);
  const patience = late === 'hold' ? Infinity : info.horizon;
  return {
    tickMs: checkNumber(WHERE, 'tickMs', options.tickMs, 'a positive number of milliseconds', (ms) => ms > 0 && ms < Infinity),
    send: options.send,
    onStop: options.onStop,
    stopTimeoutMs: checkNumber(
      WHERE,
      'stopTimeoutMs',
      options.stopTimeoutMs ?? STOP_TIMEOUT_MS,
      `a number of milliseconds from 0 to ${MOST_TIMER_MS}`,
      (ms) => ms >= 0 && ms <= MOST_TIMER_MS,
    ),
    late,
    holdAction: options.holdAction === undefined ? undefined : checkedAction('holdAction', options.holdAction, info.actionDim),
    maxBusy: options.maxMisses ?? info.horizon,
    maxMisses: checkNumber(WHERE, 'maxMisses', options.maxMisses ?? patience, 'a number of ticks of at least 0', (ticks) => ticks >= 0),
    actionSteps,
    lead: checkInteger(WHERE, 'lead', options.lead ?? rows - actionSteps, 1, rows - actionSteps),
    maxObservationAgeMs: checkNumber(
      WHERE,
      'maxObservationAgeMs',
      options.maxObservationAgeMs ?? Infinity,
      'a positive number of milliseconds',
      (ms) => ms > 0,
    ),
    limiter: new Limiter(options.limits === undefined ? {} : options.limits, info.actionDim),
    prepare: checkChoice(WHERE, 'prepare', options.prepare === undefined ? 'device' : options.prepare, [...PREPARE_CHOICES, 'off']),
    clock: checkedClock(options.clock),
  };
}

function checkedClock(clock: Clock = SYSTEM_CLOCK): Clock {
  checkMethods(WHERE, 'clock', clock, 'a clock', ['now', 'after']);
  checkCallbacks<Clock>(WHERE, clock, ['soon']);
  return clock;
}

/** Sizes that the loop counts on, of a source that need not be a Policy. @throws OptionError. */
export function checkDecisionSource(source: unknown): void {
  checkMethods(WHERE, 'the policy', source, 'a Policy, or what decides like one', ['decide', 'reset']);
  const { info } = source as { readonly info: DecisionSourceInfo };
  checkCallbacks<DecisionSource>(WHERE, source as DecisionSource, ['prepare']);
  checkObject(WHERE, "the policy's info", info);
  for (const name of ['horizon', 'observationSteps', 'actionSteps', 'actionDim'] as const) {
    checkInteger(WHERE, `the policy's info.${name}`, info[name], 1, MOST_STEPS);
  }
  checkList(WHERE, "the policy's info.observations", info.observations, (feature) => checkObject(WHERE, 'an observation', feature));
  checkToggle(WHERE, "the policy's info.decidesAhead", info.decidesAhead ?? true);
  checkDecidesAhead(info);
}

/** Sent while the next decision is made, rows that are noise would move the robot. @throws OptionError for a source whose rows are. */
export function checkDecidesAhead({ decidesAhead = true, actionSteps }: DecisionSourceInfo): void {
  if (decidesAhead) return;
  const count = actionSteps === 1 ? 'one action' : `${actionSteps} actions`;
  throw new OptionError(
    `${WHERE}: the policy's strategy decides ${count} at a time, and rows behind them are noise (SDP, RNR-DP): a loop that decides ahead would ` +
      'send them. Call act() once per tick in place of a loop, or choose another strategy.',
  );
}

/** A copy of an action that a caller gave. @throws OptionError. */
export function checkedAction(name: string, action: ArrayLike<number>, actionDim: number): Float64Array {
  const wanted = `${actionDim} finite values, one per dimension of the action`;
  return copyNumbers(action, actionDim, () => new OptionError(`${WHERE}: ${name} must have ${wanted}, found ${shownNumbers(action)}.`));
}
