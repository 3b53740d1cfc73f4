/** What a call returns or throws, as a promise: an asynchronous function would leave garbage with every tick of a control loop. */
function promised<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Runs tasks one after the other, in the order in which they were given; a failed task does not stop the next. Where none is under
 * way a task begins at once.
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  /** Tasks that have not ended. */
  #waiting = 0;
  /** While the task that begins at once has not returned its promise: what it asks for itself waits for that. */
  #isStarting = false;
  readonly #asked: (() => void)[] = [];

  /** Whether a task would begin at once. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Whether a task waits for the one that is under way. */
  get isAwaited(): boolean {
    return this.#waiting > 1;
  }

  run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.#isStarting) return new Promise<T>((resolve, reject) => this.#asked.push(() => void this.run(task).then(resolve, reject)));
    const result = this.#waiting++ === 0 ? this.#start(task) : this.#last.then(task);
    // Registered before the caller's own: whoever is told of the result finds the task ended.
    this.#last = result.then(this.#end, this.#end);
    if (this.#asked.length > 0) for (const ask of this.#asked.splice(0)) ask();
    return result;
  }

  #start<T>(task: () => T | Promise<T>): Promise<T> {
    this.#isStarting = true;
    const result = promised(task);
    this.#isStarting = false;
    return result;
  }

  readonly #end = (): void => {
    this.#waiting--;
  };
}
