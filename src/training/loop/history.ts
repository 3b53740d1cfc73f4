import { CheckpointError } from '../../foundation/errors.js';
import { shown } from '../../foundation/shown.js';
import type { ChunkSample } from './chunk-sample.js';
import type { TrainingEvent } from './events.js';
import { type RunStorage, readText, writeText } from './run-storage.js';

const HISTORY_FILE = 'training/history.json';

export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
}

export interface EvaluationPoint {
  readonly step: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** What a run told so far: for its report, also after it went on. */
export interface RunHistory {
  readonly steps: readonly StepPoint[];
  readonly evaluations: readonly EvaluationPoint[];
  /** Of the newest evaluation. */
  readonly samples: readonly ChunkSample[];
}

/** More points than a plot is wide are no use to anyone; where there are more, neighbours become their mean. */
const MOST_POINTS = 2048;

export class HistoryLog {
  #steps: StepPoint[];
  readonly #evaluations: EvaluationPoint[];
  #samples: readonly ChunkSample[];
  /** Steps that a point stands for, at least. */
  #spacing = 1;
  #open: StepPoint[] = [];

  constructor(from: RunHistory = { steps: [], evaluations: [], samples: [] }) {
    this.#steps = [...from.steps];
    this.#evaluations = [...from.evaluations];
    this.#samples = from.samples;
    const [first, last] = [from.steps[0], from.steps.at(-1)];
    if (first && last && from.steps.length > 1) this.#spacing = Math.max(1, (last.step - first.step) / (from.steps.length - 1));
  }

  add(event: TrainingEvent): void {
    if (event.kind === 'evaluation') {
      this.#evaluations.push({ step: event.step, figures: event.figures });
      this.#samples = event.samples;
    }
    if (event.kind !== 'step') return;
    const { step, loss, gradientNorm, learningRate } = event;
    this.#open.push({ step, loss, gradientNorm, learningRate });
    if (step - (this.#steps.at(-1)?.step ?? 0) < this.#spacing) return;
    this.#steps.push(meanOf(this.#open));
    this.#open = [];
    if (this.#steps.length < MOST_POINTS) return;
    this.#steps = this.#steps.flatMap((point, i, all) => (i % 2 === 0 ? [] : [meanOf([all[i - 1] as StepPoint, point])]));
    this.#spacing *= 2;
  }

  get history(): RunHistory {
    const newest = this.#open.length > 0 ? [meanOf(this.#open)] : [];
    return { steps: [...this.#steps, ...newest], evaluations: this.#evaluations, samples: this.#samples };
  }
}

/** At the last step of the points, so that steps keep rising. */
function meanOf(points: readonly StepPoint[]): StepPoint {
  const mean = (value: (point: StepPoint) => number): number => points.reduce((sum, point) => sum + value(point), 0) / points.length;
  return {
    step: (points.at(-1) as StepPoint).step,
    loss: mean(({ loss }) => loss),
    gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    learningRate: mean((point) => point.learningRate),
  };
}

export function saveHistory(storage: RunStorage, history: RunHistory): Promise<void> {
  return writeText(storage, HISTORY_FILE, `${JSON.stringify({ format: 'warmstep-training-history', version: 1, ...history })}\n`);
}

/**
 * The history of a saved run up to a step; what was told after its last checkpoint is told again. Empty where there is none.
 * @throws CheckpointError for a file that is something else.
 */
export async function loadHistory(storage: RunStorage, step: number): Promise<RunHistory> {
  const text = await readText(storage, HISTORY_FILE);
  if (text === undefined) return { steps: [], evaluations: [], samples: [] };
  const found = historyOf(text);
  if (found === undefined) {
    throw new CheckpointError(
      `${storage.name}/${HISTORY_FILE}: expected the history of a training run, found ${shown(text.slice(0, 80))}. Delete it to go on without.`,
    );
  }
  const upToNow = <P extends { readonly step: number }>(points: readonly P[]): P[] => points.filter((point) => point.step <= step);
  return { steps: upToNow(found.steps), evaluations: upToNow(found.evaluations), samples: found.samples };
}

function historyOf(text: string): RunHistory | undefined {
  try {
    const value = JSON.parse(text) as RunHistory & { readonly format?: unknown };
    const isHistory = value.format === 'warmstep-training-history' && [value.steps, value.evaluations, value.samples].every(Array.isArray);
    return isHistory ? value : undefined;
  } catch {
    return undefined;
  }
}
