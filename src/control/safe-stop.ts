import type { StopReason } from './events.js';

/** What a stop has to do. */
export interface StopDuties {
  /** Called at once, all of them, also when one throws. */
  readonly tell: readonly ((reason: StopReason) => void | Promise<void>)[];
  /** Resolves when no decision that the loop began is running any more. */
  readonly settled: () => Promise<void>;
  /** Resolves when no action is being sent any more; undefined where none is. */
  readonly sent: () => Promise<void> | undefined;
  /** How long telling and settling may take. */
  readonly timeoutMs: number;
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
    const { tell, settled, sent, timeoutMs } = this.#duties;
    const errors: unknown[] = [];
    const told = Promise.all(tell.map(async (one) => one(reason)).map((call) => call.catch((error: unknown) => void errors.push(error))));
    const left = await Promise.all([
      unended('onStop, or a listener of "stop", had not ended', told, timeoutMs),
      unended('a decision was still being made', settled(), timeoutMs),
      unended('an action was still being sent', sent(), MOST_SENDING_MS),
    ]);
    const message = [reason.message, ...left.filter((one) => one !== undefined)].join('; ');
    if (errors.length > 0) throw errors[0];
    return message === reason.message ? reason : { ...reason, message };
  }
}

/** Waits for the end of `work`, by the runtime's timers, whatever the loop's clock says; `what` and when, where it does not come. */
async function unended(what: string, work: Promise<unknown> | undefined, timeoutMs: number): Promise<string | undefined> {
  if (!work) return undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, `${what} ${timeoutMs} ms later`);
  });
  const ended = (): undefined => undefined;
  const found = await Promise.race([work.then(ended, ended), late]);
  clearTimeout(timer);
  return found;
}
