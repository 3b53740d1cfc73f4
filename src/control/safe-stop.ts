import type { StopReason } from './events.js';

/** What a stop has to do. */
export interface StopDuties {
  /** Called at once, all of them, also when one throws. */
  readonly tell: readonly ((reason: StopReason) => void | Promise<void>)[];
  /** Resolves when no decision that the loop began is running any more. */
  readonly settled: () => Promise<void>;
  /** Resolves when no action is being sent any more; undefined where none is. */
  readonly sent: () => Promise<void> | undefined;
}

/** How long a send may take to end. A robot that hangs must not keep its program from ending. */
const MOST_SENDING_MS = 2000;

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
    const sending = this.#duties.sent() ? ' (an action is still being sent)' : '';
    this.#reason = { kind, message: `${what}${detail}${sending}`, error };
    this.#resolve(this.#finish(this.#reason));
  }

  async #finish(reason: StopReason): Promise<StopReason> {
    const told = this.#duties.tell.map(async (tell) => tell(reason));
    const [hasSent] = await Promise.all([endsInTime(this.#duties.sent()), Promise.allSettled([...told, this.#duties.settled()])]);
    await Promise.all(told);
    return hasSent ? reason : { ...reason, message: `${reason.message}; an action was still being sent ${MOST_SENDING_MS} ms later` };
  }
}

/** By the runtime's timers, whatever the loop's clock says. */
async function endsInTime(sent: Promise<void> | undefined): Promise<boolean> {
  if (!sent) return true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, MOST_SENDING_MS, false);
  });
  const ended = await Promise.race([sent.then(() => true), late]);
  clearTimeout(timer);
  return ended;
}
