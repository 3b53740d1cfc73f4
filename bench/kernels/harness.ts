import type Benchmark from 'benchmark';

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

/** benchmark.js; undefined where only runtime dependencies were brought along, as on a machine that is lent for minutes. */
const library = import('benchmark').then(
  (module): typeof Benchmark => module.default,
  () => undefined,
);

/**
 * Times tasks with benchmark.js, one after the other. Its own statistics are of means of several runs and know no
 * tails, so every run's time is kept here. There is a short pause between its cycles, in which clocks may drop. Without
 * the library, tasks are run back to back for as long.
 */
export async function measure(tasks: readonly Task[], maxSeconds: number): Promise<Measurement[]> {
  const Library = await library;
  return Library ? measureWith(Library, tasks, maxSeconds) : measureBackToBack(tasks, maxSeconds);
}

async function measureBackToBack(tasks: readonly Task[], maxSeconds: number): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { name, run } of tasks) {
    const samples: number[] = [];
    const end = performance.now() + maxSeconds * 1000;
    while (samples.length < LEAST_SAMPLES || performance.now() < end) samples.push(await timed(run));
    measurements.push({ name, samples });
  }
  return measurements;
}

async function timed(run: Task['run']): Promise<number> {
  const started = performance.now();
  const own = await run();
  return own ?? performance.now() - started;
}

async function measureWith(Library: typeof Benchmark, tasks: readonly Task[], maxSeconds: number): Promise<Measurement[]> {
  const samples = new Map<string, number[]>(tasks.map(({ name }) => [name, []]));
  const suite = new Library.Suite();
  let failure: unknown;
  for (const { name, run } of tasks) {
    suite.add(name, {
      defer: true,
      maxTime: maxSeconds,
      minSamples: LEAST_SAMPLES,
      fn: async (deferred: { resolve(): void }) => {
        // An exception in here would stall the suite for ever: it is kept, and the suite ended.
        try {
          samples.get(name)?.push(await timed(run));
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
