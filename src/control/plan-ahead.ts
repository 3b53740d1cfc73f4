import type { Observation } from '../observations/check.js';
import type { Clock } from './clock.js';
import type { PlannedChunk, Planner } from './planner.js';

/** What becomes of a plan. */
export interface PlanOutcome {
  readonly done: (chunk: PlannedChunk, latencyMs: number) => void;
  /** Also where the plan belongs to a past episode: a planner that failed once is not trusted with the next. */
  readonly failed: (error: unknown) => void;
}

/** At most one plan at a time. */
export class PlanAhead {
  readonly #planner: Planner;
  readonly #clock: Clock;
  #running: Promise<void> | undefined;
  #episode = 0;

  constructor(planner: Planner, clock: Clock) {
    this.#planner = planner;
    this.#clock = clock;
  }

  /** Number of the running episode. */
  get episode(): number {
    return this.#episode;
  }

  /** Also while a plan of a past episode is running. */
  get isPlanning(): boolean {
    return this.#running !== undefined;
  }

  /** Begins a plan; `isPlanning` must be false. Also what `done` throws counts as a failure. */
  begin(window: Observation, outcome: PlanOutcome): void {
    this.#running = this.#plan(window, outcome).finally(() => {
      this.#running = undefined;
    });
  }

  /** Begins an episode: the chunk of a plan that is still running is dropped. */
  reset(): void {
    this.#planner.reset();
    this.#episode++;
  }

  /** Resolves when no plan is running any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #plan(window: Observation, { done, failed }: PlanOutcome): Promise<void> {
    const episode = this.#episode;
    const begunMs = this.#clock.now();
    try {
      const chunk = await this.#planner.plan(window);
      if (episode === this.#episode) done(chunk, this.#clock.now() - begunMs);
    } catch (error) {
      failed(error);
    }
  }
}
