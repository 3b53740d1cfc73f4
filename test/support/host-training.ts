import type {
  ParameterInfo,
  ParameterSet,
  RunOptions,
  StepMetrics,
  TrainingStep,
  UpdateScalars,
} from '../../src/training/training-step.js';

/** A batch of `HostTraining`: what each parameter is pulled towards. */
export interface HostBatch {
  readonly count: number;
  readonly goals: Float32Array;
}

/**
 * A training step without a device: the loss is the mean square of the distance to the goals, all arithmetic f32, optimisers as the
 * specification has them. For tests of what drives a training step.
 */
export class HostTraining implements TrainingStep<HostBatch> {
  readonly batchSize: number;
  readonly parameters: readonly ParameterInfo[];
  readonly memory = { parameters: 0 };
  /** What happened, in order: `run 3`, `metrics`, … */
  readonly calls: string[] = [];
  readonly updates: UpdateScalars[] = [];
  /** Resolves metrics; undefined: at once. */
  gate: (() => Promise<void>) | undefined;
  /** The run, counted from 1, whose gradient is not finite. */
  badRun = 0;
  readonly #sets: Record<ParameterSet, Float32Array>;
  #metrics: StepMetrics = { loss: NaN, gradientNorm: NaN, refusedStep: null };
  #runs = 0;

  constructor(parameters: readonly ParameterInfo[], batchSize: number) {
    this.parameters = parameters;
    this.batchSize = batchSize;
    const size = parameters.reduce((sum, { shape }) => sum + shape.reduce((all, n) => all * n, 1), 0);
    const fresh = (): Float32Array => new Float32Array(size);
    this.#sets = { weights: fresh(), gradients: fresh(), firstMoment: fresh(), secondMoment: fresh(), ema: fresh() };
  }

  run(batch: HostBatch, update: UpdateScalars | null, { accumulate = false, share = 1 }: RunOptions = {}): void {
    this.#runs++;
    this.calls.push(`run ${batch.count}${update ? '' : ' without update'}${accumulate ? ' accumulated' : ''}`);
    const { weights, gradients } = this.#sets;
    let loss = 0;
    for (let i = 0; i < weights.length; i++) {
      const distance = (weights[i] as number) - (batch.goals[i % batch.goals.length] as number);
      loss += distance ** 2 / weights.length;
      gradients[i] = (2 * distance * share) / weights.length + (accumulate ? (gradients[i] as number) : 0);
    }
    if (this.#runs === this.badRun) gradients[0] = NaN;
    const gradientNorm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    const isRefused = update !== null && !Number.isFinite(gradientNorm);
    const refusedStep = this.#metrics.refusedStep ?? (isRefused ? update.stepNumber : null);
    this.#metrics = { loss: loss * share, gradientNorm, refusedStep };
    if (update) {
      this.updates.push(update);
      if (!isRefused) this.#step(update);
    }
  }

  #step({ optimizer, learningRate, beta1, beta2, epsilon, weightDecay, stepNumber, emaDecay }: UpdateScalars): void {
    const { weights, gradients, firstMoment, secondMoment, ema } = this.#sets;
    for (let i = 0; i < weights.length; i++) {
      let p = weights[i] as number;
      const g = (gradients[i] as number) + (optimizer === 'adam' ? weightDecay * p : 0);
      if (optimizer === 'adamw') p = Math.fround(p - learningRate * weightDecay * p);
      const m = (firstMoment[i] = Math.fround(beta1 * (firstMoment[i] as number) + (1 - beta1) * g));
      const v = (secondMoment[i] = Math.fround(beta2 * (secondMoment[i] as number) + (1 - beta2) * g * g));
      const root = Math.sqrt(v) / Math.sqrt(1 - beta2 ** stepNumber) + epsilon;
      weights[i] = p - ((learningRate / (1 - beta1 ** stepNumber)) * m) / root;
      if (emaDecay !== null) ema[i] = (ema[i] as number) - (1 - emaDecay) * ((ema[i] as number) - (weights[i] as number));
    }
  }

  async metrics(): Promise<StepMetrics> {
    this.calls.push('metrics');
    const metrics = this.#metrics;
    await this.gate?.();
    this.calls.push('metrics read');
    return metrics;
  }

  async read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>> {
    let at = 0;
    return new Map(
      this.parameters.map(({ name, shape }) => {
        const size = shape.reduce((all, n) => all * n, 1);
        const values = this.#sets[set].slice(at, at + size);
        at += size;
        return [name, values];
      }),
    );
  }

  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    let at = 0;
    for (const { name, shape } of this.parameters) {
      this.#sets[set].set(tensors.get(name) as Float32Array, at);
      at += shape.reduce((all, n) => all * n, 1);
    }
  }

  dispose(): void {
    this.calls.push('dispose');
  }
}
