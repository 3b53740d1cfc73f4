import { OptionError } from '../foundation/errors.js';
import { checkKeys } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import { ActionQueue } from './action-queue.js';
import { ChunkTime } from './chunk-time.js';
import type { Clock } from './clock.js';
import { DecideAhead } from './decide-ahead.js';
import type { DecisionSource, DecisionSourceInfo } from './decision-source.js';
import { type ActionSource, type ControlEvents, Listeners, type StopReason } from './events.js';
import { type ControlMetrics, MetricsRecorder } from './metrics.js';
import { ObservationWindow } from './observation-window.js';
import { type ControlLoopOptions, checkDecisionSource, checkedAction, type ResolvedOptions, resolveOptions } from './options.js';
import { PREPARED_MS, Preparation } from './preparation.js';
import { SafeStop } from './safe-stop.js';
import { Sender } from './sender.js';
import { SteadyTime } from './steady-time.js';
import { type Tick, TickSchedule } from './tick-schedule.js';

/** Where an episode begins. */
export interface EpisodeStart {
  /** The action that the robot stands at, so that `maxChange` holds for the first action too. */
  readonly lastAction?: ArrayLike<number>;
}

/**
 * Runs a policy in real time: one action per tick, while the next chunk is decided from the observations of a tick
 * `actionSteps` after those of the chunk before.
 *
 * ```
 * observation of tick      0                 8                16
 * deciding                 ├──────┤          ├──────┤          ├──────┤
 * actions sent, by chunk          0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 2 2 …
 * ```
 *
 * Decisions stay `actionSteps` ticks apart however long they take, because that is how far apart a policy's warm starts
 * take chunks to be; for the ticks until the next chunk comes, the horizon's further rows are used. A chunk's rows are
 * matched to ticks by time, so rows that are over when it comes are dropped. Before the first action of an episode, and
 * while the robot is held, time stands still for the decision: nothing that it decided has happened meanwhile.
 *
 * Anything unexpected is a safe stop: no further action is sent, and `onStop` is told why, once. A loop that has stopped
 * does not start again; make another one when the reason is dealt with.
 */
export class ControlLoop {
  /** That it runs by. */
  readonly clock: Clock;
  readonly #source: DecisionSource;
  readonly #actionDim: number;
  readonly #options: ResolvedOptions;
  readonly #ahead: DecideAhead;
  readonly #preparation: Preparation;
  readonly #window: ObservationWindow;
  readonly #queue: ActionQueue;
  readonly #time = new ChunkTime();
  readonly #steady: SteadyTime;
  readonly #sender: Sender;
  readonly #listeners = new Listeners();
  readonly #metrics = new MetricsRecorder();
  readonly #stop: SafeStop;
  #schedule: TickSchedule | undefined;
  #cancelTimer: (() => void) | undefined;
  /** Of what happens besides before the next tick. */
  #cancelEarly: (() => void) | undefined;
  /** Late ticks in a row. */
  #misses = 0;
  /** Of these, at the end, ticks at which the send before had not ended. */
  #busy = 0;
  /** Ticks in a row before the first observation of an episode. */
  #unobserved = 0;
  /** When the observation came that was decided from last. */
  #decidedFromMs: number | undefined;

  /** @throws OptionError. */
  constructor(source: DecisionSource, options: ControlLoopOptions) {
    checkDecisionSource(source);
    const { info } = source;
    this.#source = source;
    this.#actionDim = info.actionDim;
    this.#options = resolveOptions(options, info);
    this.clock = this.#options.clock;
    this.#steady = new SteadyTime(this.clock, (what) => this.#stop.end('clock', what));
    this.#ahead = new DecideAhead(source, this.#steady);
    this.#preparation = new Preparation(this.#ahead, this.#steady, this.#options.prepare);
    this.#window = new ObservationWindow(info.observations, info.observationSteps);
    this.#queue = new ActionQueue(info, this.#options.actionSteps, this.#options.lead);
    this.#sender = new Sender(this.#options.send, (error) => this.#stop.end('send', 'sending an action failed', error));
    this.#stop = new SafeStop({
      tell: [() => this.#cancelTimers(), this.#options.onStop, (reason) => this.#listeners.emit('stop', reason)],
      settled: async () => void (await this.#ahead.settled()),
      sent: () => this.#sender.settled(),
      timeoutMs: this.#options.stopTimeoutMs,
    });
  }

  /** The source's. */
  get info(): DecisionSourceInfo {
    return this.#source.info;
  }

  get state(): 'idle' | 'running' | 'stopped' {
    if (this.#stop.reason) return 'stopped';
    return this.#schedule ? 'running' : 'idle';
  }

  /** Why the loop stopped; undefined while it has not. */
  get stopReason(): StopReason | undefined {
    return this.#stop.reason;
  }

  /**
   * Resolves when the loop has stopped, `onStop` has ended, and no decision and no send is running any more: then the policy
   * may be disposed of. What does not end is waited for as long as `stopTimeoutMs` says (a send: 2 s), and named in the reason's
   * message: it may be running still. Disposing of the policy is safe then as well, and waits for its decision.
   * Rejects with what `onStop` or a listener of 'stop' threw.
   */
  get stopped(): Promise<StopReason> {
    return this.#stop.stopped;
  }

  /** As of now. */
  get metrics(): ControlMetrics {
    return this.#metrics.snapshot(this.#queue.rowsLeft(this.#time.next));
  }

  /** Returns a function that removes the listener. A listener that throws stops the loop. */
  on<Name extends keyof ControlEvents>(name: Name, listener: (event: ControlEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Takes the newest observation: values by feature name, one frame, as for `Policy.act`. It is copied. Call it whenever a
   * sensor has something new; at each tick the newest one counts. Images are encoded as they arrive, as far as the device keeps up.
   * @throws ObservationError; the loop goes on with the observation before.
   */
  observe(observation: Observation): void {
    let taken: Observation;
    try {
      taken = this.#window.push(observation, this.#steady.now());
    } catch (error) {
      this.#metrics.counts.refusedObservations++;
      throw error;
    }
    this.#ahead.encode(taken);
    this.#emit('observation', { observation: taken });
  }

  /**
   * Starts ticking, with a new episode. The first tick is now; the first action follows when the first chunk is decided.
   * @throws OptionError where the loop was started before.
   */
  start(episode: EpisodeStart = {}): void {
    if (this.state !== 'idle') {
      throw new OptionError(`ControlLoop: start() needs a loop that is idle, this one is ${this.state}. Make another one.`);
    }
    this.#beginEpisode(episode);
    this.#schedule = new TickSchedule(this.#steady.now(), this.#options.tickMs);
    this.#sleep(this.#schedule);
  }

  /**
   * Begins a new episode: forgets chunks, observations and the action sent last, and resets the source. The loop goes on
   * ticking, and sends nothing until it has been given an observation and decided from it.
   * @throws OptionError where the loop is not running.
   */
  reset(episode: EpisodeStart = {}): void {
    if (this.state !== 'running') throw new OptionError(`ControlLoop: reset() needs a running loop, this one is ${this.state}.`);
    this.#beginEpisode(episode);
    this.#window.clear();
  }

  /** Stops the loop, the first time that it is called. See `stopped`. */
  stop(message = 'stop() was called'): Promise<StopReason> {
    this.#stop.end('requested', message);
    return this.#stop.stopped;
  }

  #beginEpisode(episode: EpisodeStart): void {
    checkKeys('ControlLoop: start() and reset()', episode, ['lastAction']);
    const { lastAction } = episode;
    const last = lastAction === undefined ? undefined : checkedAction('lastAction', lastAction, this.#actionDim);
    this.#ahead.reset();
    this.#sender.last = last && { action: last, observedAtMs: undefined };
    this.#queue.clear();
    this.#unobserved = 0;
    this.#decidedFromMs = undefined;
  }

  #isRunning(): boolean {
    return this.state === 'running';
  }

  /** Sleeps until the next tick. The tick's own timer stands, whatever becomes of preparing before it. */
  #sleep(schedule: TickSchedule): void {
    const { clock } = this.#options;
    const nowMs = this.#steady.now();
    const waitMs = schedule.wait(nowMs);
    // Its clock may have stopped it.
    if (!this.#isRunning()) return;
    const wake = (): void => this.#wake(schedule, nowMs, waitMs);
    this.#cancelTimer = clock.after(waitMs, wake);
    if (waitMs <= PREPARED_MS || !this.#preparation.isPossible || !this.#queue.isDue(this.#time.next)) return;
    this.#cancelEarly = clock.after(waitMs - PREPARED_MS, () => this.#prepare(schedule, wake));
  }

  #wake(schedule: TickSchedule, sleptAtMs: number, waitMs: number): void {
    this.#cancelTimers();
    const tick = schedule.take(this.#steady.now());
    this.#steady.timerCame(sleptAtMs, waitMs);
    if (tick && this.#isRunning()) this.#tick(tick);
    if (this.#isRunning()) this.#sleep(schedule);
  }

  #cancelTimers(): void {
    this.#cancelTimer?.();
    this.#cancelEarly?.();
    this.#cancelEarly = undefined;
  }

  /** Prepares the decision of the next tick, as late as that can be. */
  #prepare(schedule: TickSchedule, wake: () => void): void {
    if (!this.#isAboutToDecide()) return;
    const { clock } = this.#options;
    const spareMs = schedule.wait(this.#steady.now()) - this.#preparation.leadMs;
    if (clock.soon && spareMs > 0) this.#cancelEarly = clock.soon(spareMs, () => this.#prepareNow(schedule, wake));
    else this.#prepareNow(schedule, wake);
  }

  /** Comes to the tick without the lateness of a timer: what was prepared does not stay in the caches. */
  #prepareNow(schedule: TickSchedule, wake: () => void): void {
    if (!this.#isAboutToDecide()) return;
    const { clock } = this.#options;
    try {
      if (!this.#preparation.run(schedule)) return;
    } catch (error) {
      this.#stop.end('decision', 'preparing a decision failed', error);
    }
    if (this.#isRunning()) this.#cancelEarly = clock.soon?.(schedule.wait(this.#steady.now()), wake);
  }

  /** Whether the next tick is to decide: a decision may have ended or begun, and observations come, since the tick before. */
  #isAboutToDecide(): boolean {
    return !this.#ahead.isDeciding && this.#window.newestAtMs !== undefined && this.#queue.isDue(this.#time.next);
  }

  #tick(tick: Tick): void {
    const { latenessMs, skipped } = tick;
    this.#metrics.counts.ticks++;
    this.#metrics.counts.skippedTicks += skipped;
    this.#metrics.tickJitterMs.add(latenessMs);
    this.#time.advance(skipped);
    this.#window.tick(skipped);
    if (this.#isStale()) this.#metrics.counts.staleTicks++;
    // The action first: asking for a decision may take a while before it returns.
    const sentBefore = this.#metrics.counts.sent;
    const source = this.#act(tick);
    if (!this.#isRunning()) return;
    this.#time.isStanding = source === 'waiting' || source === 'hold';
    this.#decideNext(tick);
    if (!this.#isRunning()) return;
    const sent = this.#metrics.counts.sent > sentBefore;
    this.#emit('tick', { tick: tick.index, latenessMs, skipped, source, sent, rowsLeft: this.#queue.rowsLeft(this.#time.next) });
  }

  /** Sends this tick's action. */
  #act(tick: Tick): ActionSource {
    const decided = this.#queue.at(this.#time.now);
    if (decided) {
      if (!this.#sender.isBusy) this.#misses = 0;
      this.#send(tick, 'decided', decided.values, decided.row, decided.observedAtMs);
      return 'decided';
    }
    if (this.#queue.isEmpty) {
      this.#metrics.counts.waitingTicks++;
      this.#awaitObservation();
      return 'waiting';
    }
    return this.#actLate(tick);
  }

  /** By the rule `stop`, a first observation is waited for as long as late ticks are put up with. */
  #awaitObservation(): void {
    this.#unobserved = this.#window.newestAtMs === undefined ? this.#unobserved + 1 : 0;
    const { late, maxMisses } = this.#options;
    if (late !== 'stop' || this.#unobserved <= maxMisses) return;
    this.#stop.end('deadline', `no observation came for ${this.#unobserved} ticks: call observe() before start(), or raise maxMisses`);
  }

  #actLate(tick: Tick): ActionSource {
    const { late, maxMisses, holdAction } = this.#options;
    this.#misses++;
    this.#metrics.counts.deadlineMisses++;
    const cause = !this.#ahead.isDeciding && this.#isStale() ? 'observation' : 'decision';
    const source = late === 'repeat' ? 'repeat' : 'hold';
    if (!this.#emit('deadline-miss', { tick: tick.index, consecutive: this.#misses, cause })) return source;
    if (late === 'stop' || this.#misses > maxMisses) {
      const behind = cause === 'decision' ? 'the decision was not there' : 'the observations were too old to decide from';
      this.#stop.end('deadline', `no action for tick ${tick.index}, ${this.#misses} in a row: ${behind}`);
      return source;
    }
    const { last } = this.#sender;
    if (source === 'repeat' && last) this.#send(tick, source, last.action, undefined, last.observedAtMs);
    if (source === 'hold' && holdAction) this.#send(tick, source, holdAction, undefined, undefined);
    return source;
  }

  /** Sends nothing, because the send before has not ended: late by the rule, as without a row. */
  #actBusy(tick: Tick, source: ActionSource): void {
    const { late, maxBusy } = this.#options;
    const { counts } = this.#metrics;
    counts.busyTicks++;
    this.#busy++;
    if (source === 'decided') {
      this.#misses++;
      counts.deadlineMisses++;
      if (!this.#emit('deadline-miss', { tick: tick.index, consecutive: this.#misses, cause: 'send' })) return;
    }
    if (late !== 'stop' && Math.max(this.#busy, source === 'decided' ? this.#misses : 0) <= maxBusy) return;
    this.#stop.end('deadline', `no action for tick ${tick.index}, ${this.#busy} in a row: the send before has not ended`);
  }

  #send(tick: Tick, source: ActionSource, wanted: ArrayLike<number>, row: number | undefined, observedAtMs: number | undefined): void {
    if (this.#sender.isBusy) {
      this.#actBusy(tick, source);
      return;
    }
    this.#busy = 0;
    const { limiter } = this.#options;
    const { action, hits } = limiter.apply(wanted, this.#sender.last?.action);
    const [first] = hits;
    if (first) {
      this.#metrics.counts.limitedActions++;
      this.#metrics.counts.limitedValues += hits.length;
      if (!this.#emit('limit', { tick: tick.index, hits })) return;
      if (limiter.mode === 'stop') {
        const { dimension, limit, wanted: value, allowed } = first;
        this.#stop.end('limit', `the action of tick ${tick.index} is ${value} in dimension ${dimension}: ${limit} allows ${allowed}`);
        return;
      }
    }
    const ageMs = observedAtMs === undefined ? undefined : this.#steady.now() - observedAtMs;
    const about = { tick: tick.index, source, row, ageMs };
    try {
      this.#sender.send({ action, observedAtMs }, about);
    } catch (error) {
      this.#stop.end('send', `the action of tick ${tick.index} could not be sent`, error);
      return;
    }
    this.#metrics.counts.sent++;
    if (ageMs !== undefined) this.#metrics.actionAgeMs.add(ageMs);
    this.#emit('action', { ...about, action: action.slice() });
  }

  /** Whether this tick's observation is too old; false before the first, which is awaited and not late. */
  #isStale(): boolean {
    const { maxObservationAgeMs } = this.#options;
    const { newestAtMs } = this.#window;
    return newestAtMs !== undefined && this.#steady.now() - newestAtMs > maxObservationAgeMs;
  }

  #decideNext(tick: Tick): void {
    const observedAtMs = this.#window.newestAtMs;
    if (this.#ahead.isDeciding || observedAtMs === undefined || this.#isStale() || !this.#queue.isDue(this.#time.now)) return;
    if (observedAtMs === this.#decidedFromMs) this.#metrics.counts.unchangedDecisions++;
    this.#decidedFromMs = observedAtMs;
    const time = this.#time.now;
    const window = this.#window.read();
    this.#ahead.begin(window, {
      done: (decided, latencyMs) => {
        this.#queue.accept(decided.chunk, time, observedAtMs);
        const expired = this.#queue.rowsLeft(this.#time.next) === 0;
        const { counts, decisionLatencyMs } = this.#metrics;
        counts.decisions++;
        if (expired) counts.expiredChunks++;
        decisionLatencyMs.add(latencyMs);
        if (this.#isRunning()) this.#emit('decision', { tick: tick.index, latencyMs, expired, window, decided });
      },
      failed: (error) => this.#stop.end('decision', `deciding from the observation of tick ${tick.index} failed`, error),
    });
  }

  /** Returns whether the loop goes on in this episode: a listener may have stopped or reset it. */
  #emit<Name extends keyof ControlEvents>(name: Name, event: ControlEvents[Name]): boolean {
    const episode = this.#ahead.episode;
    try {
      this.#listeners.emit(name, event);
    } catch (error) {
      this.#stop.end('listener', `a listener of "${name}" threw`, error);
    }
    return this.#isRunning() && episode === this.#ahead.episode;
  }
}
