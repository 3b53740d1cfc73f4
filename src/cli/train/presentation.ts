import { join } from 'node:path';
import { EnvironmentLostError } from '../../envs/environment.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { count } from '../../terminal/format.js';
import { Interrupted } from '../../terminal/interrupt.js';
import { printAside } from '../../terminal/output.js';
import type { Progress } from '../../terminal/progress.js';
import type { StepEvent, TrainingEvent } from '../../training/loop/events.js';
import type { RunHistory } from '../../training/loop/history.js';
import { renderTrainingReport } from '../../training/report/render.js';
import { duration } from '../eval/progress-bar.js';

export const REPORT_FILE = 'report.html';
/** Between two pages while steps go by; evaluations write one at once. */
const REPORT_INTERVAL_MS = 10_000;

/** What a run says about itself in a terminal, and in report.html. */
export class Presentation {
  readonly #file: string;
  readonly #title: string;
  readonly #facts: readonly (readonly [string, string])[];
  readonly #steps: number;
  readonly #progress: Progress;
  #written = Number.NEGATIVE_INFINITY;

  constructor(output: string, title: string, facts: readonly (readonly [string, string])[], steps: number, progress: Progress) {
    this.#file = join(output, REPORT_FILE);
    this.#title = title;
    this.#facts = facts;
    this.#steps = steps;
    this.#progress = progress;
  }

  async tell(event: TrainingEvent, history: RunHistory): Promise<void> {
    switch (event.kind) {
      case 'step':
        this.#progress.update(stepLine(event));
        if (performance.now() - this.#written > REPORT_INTERVAL_MS) await this.#write(history, true);
        return;
      case 'evaluation':
        this.#progress.done();
        printAside(`step ${event.step}: ${figuresText(event.figures)}`);
        await this.#write(history, true);
        return;
      case 'checkpoint':
        return;
      case 'done':
        this.#progress.done();
        await this.#write(history, false);
        return;
      default:
        event satisfies never;
    }
  }

  /** The page of a run that ended before its time. */
  async end(history: RunHistory): Promise<void> {
    await this.#write(history, false);
  }

  async #write(history: RunHistory, isLive: boolean): Promise<void> {
    this.#written = performance.now();
    const page = renderTrainingReport(history, { title: this.#title, facts: this.#facts, steps: this.#steps, isLive });
    await writeOutputFile(this.#file, page);
  }
}

/** `step 120 of 5,000  loss 0.0312  norm 1.2  rate 9.8e-5  3.2 steps/s  25:12 left`. */
export function stepLine({ step, steps, loss, gradientNorm, learningRate, stepsPerSecond, secondsLeft }: StepEvent): string {
  const speed = stepsPerSecond >= 1 ? `${stepsPerSecond.toFixed(1)} steps/s` : `${(1 / stepsPerSecond).toFixed(1)} s/step`;
  const numbers = `loss ${Number(loss.toPrecision(3))}  norm ${Number(gradientNorm.toPrecision(2))}  rate ${Number(learningRate.toPrecision(2))}`;
  return `step ${count(step)} of ${count(steps)}  ${numbers}  ${speed}  ${duration(1000 * secondsLeft)} left`;
}

/** Figures of an evaluation on one line. */
export function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(' · ');
}

/** How a saved run goes on behind what ended it; undefined where that lies elsewhere. */
export function savedNote(error: unknown, output: string): string | undefined {
  const saved = `the run is saved in ${output}: go on with the same command and --resume`;
  if (error instanceof Interrupted) return `${saved}.`;
  // That of simulations in an evaluation: the training is not to blame.
  return error instanceof EnvironmentLostError ? `${saved}, and --episodes of a few, or without --task and what belongs to it.` : undefined;
}
