import Benchmark from 'benchmark';

/** Times of one function, in milliseconds, one entry per run. */
export interface Measurement {
  readonly name: string;
  readonly samples: readonly number[];
}

/** A function to be timed; it resolves when its work is done. */
export interface Task {
  readonly name: string;
  run(): Promise<void>;
}

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
      minSamples: 3,
      fn: async (deferred: { resolve(): void }) => {
        // An exception in here would stall the suite for ever: it is kept, and the suite ended.
        try {
          const started = performance.now();
          await run();
          samples.get(name)?.push(performance.now() - started);
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
