import type { StopReason } from './events.js';

/** What a stop has to do. */
export interface StopDuties {
  /** Called at once, all of them, also when one throws. */
  readonly tell: readonly ((reason: StopReason) => void | Promise<void>)[];
  /** Resolves when nothing that the loop began is running any more. */
  readonly settled: () => Promise<void>;
}

/** Stops once: the first reason counts, later ones follow from it more often than not. */
export class SafeStop {
  /**
   * Resolves when everyone was told and everything has settled; rejects, then, with what telling threw. Nobody has to wait
   * for it: a rejection that nobody handles is reported by the runtime, never swallowed.
   */
  readonly stopped: Promise<StopReason>;
  readonly #duties: StopDuties;
  #resolve: (reason: Promise<StopReason>) => void = () => {};
  #reason: StopReason | undefined;

  constructor(duties: StopDuties) {
    this.#duties = duties;
    this.stopped = new Promise((resolve) => (this.#resolve = resolve));
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** `what` happened, and what was thrown, where something was. */
  end(kind: StopReason['kind'], what: string, error?: unknown): void {
    if (this.#reason) return;
    const detail = error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`;
    this.#reason = { kind, message: `${what}${detail}`, error };
    this.#resolve(this.#finish(this.#reason));
  }

  async #finish(reason: StopReason): Promise<StopReason> {
    const told = this.#duties.tell.map(async (tell) => tell(reason));
    await Promise.allSettled([...told, this.#duties.settled()]);
    await Promise.all(told);
    return reason;
  }
}
