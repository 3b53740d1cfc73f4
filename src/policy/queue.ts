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

  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#waiting++ === 0 ? promised(task) : this.#last.then(task);
    // Registered before the caller's own: whoever is told of the result finds the task ended.
    this.#last = result.then(this.#end, this.#end);
    return result;
  }

  readonly #end = (): void => {
    this.#waiting--;
  };
}
