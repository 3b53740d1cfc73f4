import type { Clock } from '../../src/control/clock.js';
import { ControlLoop } from '../../src/control/control-loop.js';
import type { DecidedChunk, DecisionSource, DecisionSourceInfo } from '../../src/control/decision-source.js';
import type { ActionInfo, ControlEvents, StopReason } from '../../src/control/events.js';
import type { ControlLoopOptions } from '../../src/control/options.js';
import type { Observation } from '../../src/observations/frame.js';

/** A clock whose time goes on only when the test says so. */
export class SimulatedClock implements Clock {
  #nowMs = 1000;
  #timers: { readonly dueMs: number; readonly call: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, call };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  /** Lets time pass: calls what becomes due, in its order, and lets promises settle after each call. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const [timer] = this.#timers.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs);
      if (!timer) break;
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.call();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Lets time pass in which nothing can be called, as when the thread is busy. */
  block(ms: number): void {
    this.#nowMs += ms;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export const INFO: DecisionSourceInfo = {
  observations: [{ kind: 'vector', name: 'state', feature: 'observation.state', size: 1 }],
  observationSteps: 2,
  horizon: 16,
  actionSteps: 8,
  actionDim: 2,
};

/** Row j of plan k is [100 · k + j, −(100 · k + j)], so that an action tells where it came from. */
export class SimulatedSource implements DecisionSource {
  readonly info: DecisionSourceInfo;
  readonly windows: Observation[] = [];
  resets = 0;
  running = 0;
  readonly #clock: Clock;
  /** How long plan k takes. */
  latencyMs: (plan: number) => number = () => 50;
  /** Spoils plan k, or throws. */
  spoil: (plan: number, chunk: Float32Array) => Float32Array = (_, chunk) => chunk;

  constructor(clock: Clock, info: Partial<DecisionSourceInfo> = {}) {
    this.#clock = clock;
    this.info = { ...INFO, ...info };
  }

  async decide(window: Observation): Promise<DecidedChunk> {
    const plan = this.windows.push(window) - 1;
    this.running++;
    await new Promise<void>((resolve) => void this.#clock.after(this.latencyMs(plan), resolve));
    this.running--;
    const { horizon } = this.info;
    const rows = Array.from({ length: horizon }, (_, j) => [100 * plan + j, -(100 * plan + j)]).flat();
    return { chunk: this.spoil(plan, Float32Array.from(rows)) };
  }

  reset(): void {
    this.resets++;
  }
}

export interface Sent extends ActionInfo {
  readonly action: readonly number[];
}

export type SimulationOptions = Partial<ControlLoopOptions> & {
  readonly latencyMs?: (plan: number) => number;
  readonly info?: Partial<DecisionSourceInfo>;
};

/** A loop of 20 ms in simulated time, and what it did. */
export class Simulation {
  readonly clock = new SimulatedClock();
  readonly source: SimulatedSource;
  readonly loop: ControlLoop;
  readonly sent: Sent[] = [];
  readonly reasons: StopReason[] = [];
  readonly #beganMs = this.clock.now();
  #ticks = 0;

  constructor({ latencyMs, info, ...options }: SimulationOptions = {}) {
    this.source = new SimulatedSource(this.clock, info);
    if (latencyMs) this.source.latencyMs = latencyMs;
    this.loop = new ControlLoop(this.source, {
      tickMs: 20,
      late: 'repeat',
      send: (action, about) => void this.sent.push({ ...about, action: [...action] }),
      onStop: (reason) => void this.reasons.push(reason),
      clock: this.clock,
      ...options,
    });
  }

  /** Observes 0, starts, and runs ticks. */
  static async started(ticks: number, options: SimulationOptions = {}): Promise<Simulation> {
    const simulation = new Simulation(options);
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(ticks);
    return simulation;
  }

  /** Runs so many ticks more, and lets the last one's time pass but for a millisecond. */
  async run(ticks: number, beforeEach: (tick: number) => void = () => {}): Promise<void> {
    for (let i = 0; i < ticks; i++) {
      beforeEach(this.#ticks);
      this.#ticks++;
      await this.clock.advance(this.#beganMs + 20 * this.#ticks - 1 - this.clock.now());
    }
  }

  /** First dimension of what was sent in ticks [from, to], `undefined` where nothing was. */
  actions(from: number, to: number): (number | undefined)[] {
    return Array.from({ length: to - from + 1 }, (_, i) => this.sent.find(({ tick }) => tick === from + i)?.action[0]);
  }

  record<Name extends keyof ControlEvents>(name: Name): ControlEvents[Name][] {
    const events: ControlEvents[Name][] = [];
    this.loop.on(name, (event) => void events.push(event));
    return events;
  }
}
