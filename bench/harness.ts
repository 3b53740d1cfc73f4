import Benchmark from 'benchmark';

/** Times of one function, in milliseconds, one entry per run. */
export interface Measurement {
  readonly name: string;
  readonly samples: readonly number[];
}

/** A function to be timed; it resolves when its work is done. */
export interface Task {
  readonly name: string;
  /** Resolves with its own time in milliseconds where not all that it does shall count. */
  run(): Promise<number | void>;
}

/** Fewer runs have no quartiles, and without them two measurements cannot be compared. */
const LEAST_SAMPLES = 5;

/**
 * Times tasks with benchmark.js, one after the other. Its own statistics are of means of several runs and know no
 * tails, so every run's time is kept here. There is a short pause between its cycles, in which clocks may drop.
 */
export async function measure(tasks: readonly Task[], maxSeconds: number): Promise<Measurement[]> {
  const samples = new Map<string, number[]>(tasks.map(({ name }) => [name, []]));
  const suite = new Benchmark.Suite();
  let failure: unknown;
  for (const { name, run } of tasks) {
    suite.add(name, {
      defer: true,
      maxTime: maxSeconds,
      minSamples: LEAST_SAMPLES,
      fn: async (deferred: { resolve(): void }) => {
        // An exception in here would stall the suite for ever: it is kept, and the suite ended.
        try {
          const started = performance.now();
          const own = await run();
          samples.get(name)?.push(own ?? performance.now() - started);
        } catch (error) {
          failure = error;
          suite.abort();
        }
        deferred.resolve();
      },
    });
  }
  await new Promise<void>((resolve) => {
    suite.on('complete', () => resolve()).run({ async: true });
  });
  if (failure !== undefined) throw failure;
  return tasks.map(({ name }) => ({ name, samples: samples.get(name) ?? [] }));
}

/** The runs of one task, in milliseconds. */
export async function measureTask(task: Task, maxSeconds: number): Promise<readonly number[]> {
  const [measurement] = await measure([task], maxSeconds);
  return measurement?.samples ?? [];
}
