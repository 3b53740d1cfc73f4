/** Upper bounds of the buckets of durations, in seconds: what a control loop can tell apart. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10] as const;
const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;

/** A distribution, as Prometheus counts it: values up to each bound. */
class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count++;
    for (let i = 0; i < this.#bounds.length; i++)
      if (value <= (this.#bounds[i] as number)) this.#counts[i] = (this.#counts[i] as number) + 1;
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, i) => `${name}_bucket{le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

const COUNTERS = {
  connections: 'Connections that were accepted.',
  refusedConnections: 'Connections that were refused: no token, a foreign origin, too many.',
  requests: 'Observations that were answered with actions.',
  late: 'Answers that took longer than a tick, where the tick is known.',
  repeatedFrames: 'Frames of decisions that stand for an earlier one that is missing.',
  ignoredKeys: 'Keys of observations that the policy does not read.',
  deviceLosses: 'Losses of the device.',
} as const;
type Counter = keyof typeof COUNTERS;

const HISTOGRAMS = {
  decisionSeconds: ['Duration of decisions on the device, of all in a batch together.', DURATIONS],
  turnSeconds: ['From the arrival of an observation to its answer.', DURATIONS],
  batchSize: ['Decisions that were made together.', SIZES],
} as const;

/** What a server measures now, which is not counted. */
export interface Gauges {
  readonly ready: number;
  readonly connectionsOpen: number;
  readonly queueLength: number;
}

/** What a server counts. */
export class ServerMetrics {
  readonly #counts = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Record<Counter, number>;
  readonly #errors = new Map<string, number>();
  readonly #histograms = Object.fromEntries(
    Object.entries(HISTOGRAMS).map(([name, [, bounds]]) => [name, new Histogram(bounds)]),
  ) as Record<keyof typeof HISTOGRAMS, Histogram>;

  count(name: Counter, by = 1): void {
    this.#counts[name] += by;
  }

  value(name: Counter): number {
    return this.#counts[name];
  }

  /** An observation that was answered with an error, by the class of that. */
  error(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
  }

  get errors(): number {
    return [...this.#errors.values()].reduce((sum, count) => sum + count, 0);
  }

  measure(name: keyof typeof HISTOGRAMS, value: number): void {
    this.#histograms[name].add(value);
  }

  /** The text format of Prometheus, 0.0.4. `labels`: of the one line that says what is served. */
  text(gauges: Gauges, labels: Readonly<Record<string, string>>): string {
    const about = (name: string, help: string, type: string): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
    const counted = (Object.keys(COUNTERS) as Counter[]).flatMap((counter) => {
      const name = `warmstep_${snake(counter)}_total`;
      return [...about(name, COUNTERS[counter], 'counter'), `${name} ${this.#counts[counter]}`];
    });
    const errors = 'warmstep_errors_total';
    const measured = (Object.keys(HISTOGRAMS) as (keyof typeof HISTOGRAMS)[]).flatMap((histogram) => {
      const name = `warmstep_${snake(histogram)}`;
      return [...about(name, HISTOGRAMS[histogram][0], 'histogram'), ...this.#histograms[histogram].lines(name)];
    });
    const now = Object.entries(gauges).flatMap(([gauge, value]) => {
      const name = `warmstep_${snake(gauge)}`;
      return [`# TYPE ${name} gauge`, `${name} ${value}`];
    });
    const written = Object.entries(labels).map(([name, value]) => `${snake(name)}="${escapeLabel(value)}"`);
    return `${[
      ...counted,
      ...about(errors, 'Observations that were answered with an error.', 'counter'),
      ...[...this.#errors].sort().map(([kind, count]) => `${errors}{kind="${escapeLabel(kind)}"} ${count}`),
      ...measured,
      ...now,
      '# TYPE warmstep_info gauge',
      `warmstep_info{${written.join(',')}} 1`,
    ].join('\n')}\n`;
  }
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
