import type { WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ParameterInfo } from '../../training/training-step.js';
import { compareTensor, type TensorReport } from '../compare.js';
import type { GoldenCase } from '../golden-case.js';
import { compareScalars, isNoise, norm, TotalDifference, WorstTensor } from './compare-training.js';
import type { TrainingDescription, TrainingRun } from './description.js';
import type { RecordedVariant, TrainingCaseNetwork } from './training-network.js';

type Tensors = ReadonlyMap<string, Float32Array>;

/** What a training case gave: reports by run, and the tensors of the dump. */
export interface TrainingCaseResult {
  readonly tensors: TensorReport[];
  readonly dump: WritableTensor[];
}

/** Runs every recorded run of a case from the start weights, step by step, and compares losses, gradients, changes and inner values. */
export async function runTrainingCase(
  golden: GoldenCase,
  description: TrainingDescription,
  network: TrainingCaseNetwork,
): Promise<TrainingCaseResult> {
  const result: TrainingCaseResult = { tensors: [], dump: [] };
  const run = new CaseRunner(golden, description, network, result, await golden.values('sample_index'));
  for (const recorded of description.runs) await run.run(recorded);
  await run.evaluated();
  for (const variant of network.variants ?? []) await run.variant(variant);
  await run.inner();
  return result;
}

class CaseRunner {
  readonly #golden: GoldenCase;
  readonly #description: TrainingDescription;
  readonly #network: TrainingCaseNetwork;
  readonly #result: TrainingCaseResult;
  /** [parameter][sample] of element indices, −1 = unused. */
  readonly #samples: Float32Array;

  constructor(
    golden: GoldenCase,
    description: TrainingDescription,
    network: TrainingCaseNetwork,
    result: TrainingCaseResult,
    samples: Float32Array,
  ) {
    this.#golden = golden;
    this.#description = description;
    this.#network = network;
    this.#result = result;
    this.#samples = samples;
  }

  async run(run: TrainingRun): Promise<void> {
    const network = this.#network;
    const { tensors, dump } = this.#result;
    const { loss: lossTolerance, norm: normTolerance } = network.tolerances;
    this.#reset();
    const [losses, norms, factors]: [number[], number[], number[]] = [[], [], []];
    for (const [step, update] of run.updates.entries()) {
      network.run(step, run.isMasked, update);
      const { loss, gradientNorm, clipFactor } = await network.metrics();
      losses.push(loss);
      norms.push(gradientNorm);
      factors.push(clipFactor);
      if (step === 0) await this.#gradients(run);
      if (run.recordAt.includes(step + 1)) {
        await this.#changes(run, step + 1);
        await this.#statistics(run, step + 1);
      }
    }
    tensors.push(compareScalars(`${run.name}.loss`, run.loss, losses, lossTolerance));
    const { laterNorm } = network.tolerances;
    const perStep = (name: string, expected: readonly number[], found: readonly number[]): void => {
      if (laterNorm === undefined) {
        tensors.push(compareScalars(`${run.name}.${name}`, expected, found, normTolerance));
        return;
      }
      tensors.push(compareScalars(`${run.name}.${name} of the first step`, expected.slice(0, 1), found.slice(0, 1), normTolerance));
      tensors.push(compareScalars(`${run.name}.${name}`, expected.slice(1), found.slice(1), laterNorm));
    };
    perStep('grad_norm', run.gradientNorm, norms);
    if (run.clipFactor) perStep('clip_factor', run.clipFactor, factors);
    dump.push({ name: `${run.name}.loss`, dtype: 'F64', shape: [losses.length], data: losses });
  }

  /** The loss by running statistics, where it was recorded. */
  async evaluated(): Promise<void> {
    const { evaluatedLoss } = this.#description;
    if (evaluatedLoss === undefined) return;
    const { evaluate, tolerances, statistics } = this.#network;
    if (!evaluate) throw new CheckpointError('the case expects "evaluated_loss", and this network is never evaluated by itself.');
    this.#reset();
    evaluate();
    const { loss } = await this.#network.metrics();
    this.#result.tensors.push(compareScalars('evaluated.loss', [evaluatedLoss], [loss], tolerances.loss));
    if (!statistics) return;
    const left = await statistics.of.read();
    const worst = new WorstTensor();
    for (const [name, values] of statistics.start)
      worst.add(compareTensor(name, [values.length], values, left.get(name) as Float32Array, 0));
    push(this.#result.tensors, worst.report('evaluated.statistics'));
  }

  /** A step of its own: loss and gradients. */
  async variant({ name, loss, run }: RecordedVariant): Promise<void> {
    const { tensors, dump } = this.#result;
    this.#reset();
    run();
    const { loss: found } = await this.#network.metrics();
    tensors.push(compareScalars(`${name}.loss`, [loss], [found], this.#network.tolerances.loss));
    await this.#sampledGradients(name, await this.#network.read('gradients'));
    dump.push({ name: `${name}.loss`, dtype: 'F64', shape: [1], data: [found] });
  }

  /** Inner values and their gradients at step 0. */
  async inner(): Promise<void> {
    const expected = this.#golden.names('expected.').filter((name) => INNER.test(name));
    if (expected.length === 0) return;
    this.#reset();
    const found = await this.#network.inner(expected);
    for (const name of expected) {
      const values = found.get(name);
      if (!values) throw new CheckpointError(`the case expects "expected.${name}", which is no value of this network.`);
      const shape = this.#golden.shape(`expected.${name}`);
      const wanted = await this.#golden.values(`expected.${name}`);
      this.#result.tensors.push(compareTensor(name, shape, wanted, values, this.#network.tolerances.gradient));
      this.#result.dump.push({ name, dtype: 'F32', shape, data: values });
    }
  }

  #reset(): void {
    const { startWeights } = this.#network;
    this.#network.write('weights', startWeights);
    this.#network.write('ema', startWeights);
    const zeros = new Map([...startWeights].map(([name, values]) => [name, new Float32Array(values.length)]));
    this.#network.write('firstMoment', zeros);
    this.#network.write('secondMoment', zeros);
    const { statistics } = this.#network;
    statistics?.of.write(statistics.start);
  }

  async #gradients(run: TrainingRun): Promise<void> {
    const { tensors, dump } = this.#result;
    const { gradient } = this.#network.tolerances;
    const found = await this.#network.read('gradients');
    await this.#sampledGradients(run.name, found);
    // Without a full run all of them begin with the same step: that of the first one stands for them.
    if (run.name !== (this.#description.fullRun ?? this.#description.runs[0]?.name)) return;
    const worst = new WorstTensor();
    for (const { name, shape } of this.#description.parameters) {
      const values = found.get(name) as Float32Array;
      dump.push({ name: `grad.${name}`, dtype: 'F32', shape, data: values });
      if (!this.#golden.has(`expected.grad.${name}`)) continue;
      const wanted = await this.#golden.values(`expected.grad.${name}`);
      const kept = wanted.map((value, element) => (this.#isNoise({ name, shape }, element) ? (values[element] as number) : value));
      worst.add(compareTensor(name, shape, kept, values, gradient));
    }
    push(tensors, worst.report('grad'));
  }

  /** Sampled elements and norms of the gradients `expected.<name>.grad`. */
  async #sampledGradients(name: string, found: Tensors): Promise<void> {
    const { tensors } = this.#result;
    const { gradient } = this.#network.tolerances;
    const samples = await this.#sampled(`${name}.grad`);
    if (samples) {
      const worst = new WorstTensor();
      this.#forEachParameter((parameter, index) => {
        const chosen = this.#chosen(parameter, index);
        const of = (values: (place: { sample: number; element: number }) => number): Float32Array => Float32Array.from(chosen.map(values));
        const wanted = of(({ sample }) => samples.samples[sample] as number);
        const values = of(({ element }) => found.get(parameter.name)?.[element] as number);
        if (chosen.length > 0) worst.add(compareTensor(parameter.name, parameter.shape, wanted, values, gradient));
      });
      push(tensors, worst.report(`${name}.grad.samples`));
      tensors.push(this.#norms(`${name}.grad.l2`, samples.l2, found, gradient));
    }
  }

  async #changes(run: TrainingRun, step: number): Promise<void> {
    const { tensors, dump } = this.#result;
    const { change, smallChange } = this.#network.tolerances;
    // Warm-up over hundreds of steps: the first changes are in the last digits of the weights.
    const largest = Math.max(...run.updates.map(({ learningRate }) => learningRate));
    const tolerance = largest < SMALL_RATE ? smallChange : change;
    for (const [label, set] of [
      ['delta', 'weights'],
      ['ema_delta', 'ema'],
    ] as const) {
      const name = `${run.name}.${label}.${step}`;
      const expected = await this.#sampled(name);
      if (!expected) continue;
      const now = await this.#network.read(set);
      const changes = this.#difference(now);
      const total = new TotalDifference();
      const samples = new Float32Array(this.#samples.length);
      this.#forEachParameter((parameter, index) => {
        const values = changes.get(parameter.name) as Float32Array;
        const chosen = this.#chosen(parameter, index, false);
        for (const { sample, element } of chosen) {
          const value = values[element] as number;
          samples[sample] = value;
          // The bound is on all parameters: a sample of a large tensor stands for more of them.
          if (!this.#isNoise(parameter, element)) total.add(expected.samples[sample] as number, value, values.length / chosen.length);
        }
      });
      tensors.push(total.report(`${name}.samples`, tolerance));
      tensors.push(this.#norms(`${name}.l2`, expected.l2, changes, tolerance));
      const l2 = this.#description.parameters.map((parameter) => norm(changes.get(parameter.name) as Float32Array));
      const shape = [this.#description.parameters.length];
      dump.push({ name: `${name}.samples`, dtype: 'F32', shape: this.#golden.shape('sample_index'), data: samples });
      dump.push({ name: `${name}.l2`, dtype: 'F32', shape, data: l2 });
      if (label === 'delta') await this.#fullChanges(name, changes, tolerance);
    }
  }

  /** Running statistics after a step, each relative to its largest value. */
  async #statistics(run: TrainingRun, step: number): Promise<void> {
    const { statistics, tolerances } = this.#network;
    const tensors = this.#description.statistics;
    if (tensors.length === 0) return;
    if (!statistics) throw new CheckpointError('the case expects running statistics, and this network has no batch norms.');
    const found = await statistics.of.read();
    const worst = new WorstTensor();
    for (const { name, shape } of tensors) {
      const expected = await this.#golden.values(`expected.${run.name}.statistics.${step}.${name}`);
      worst.add(compareTensor(name, shape, expected, found.get(name) as Float32Array, tolerances.gradient));
    }
    push(this.#result.tensors, worst.report(`${run.name}.statistics.${step}`));
  }

  /** The changes of whole tensors, where they are recorded. */
  async #fullChanges(name: string, changes: Tensors, tolerance: number): Promise<void> {
    const total = new TotalDifference();
    let count = 0;
    for (const parameter of this.#description.parameters) {
      const key = `expected.${name}.${parameter.name}`;
      if (!this.#golden.has(key)) continue;
      count++;
      const values = changes.get(parameter.name) as Float32Array;
      (await this.#golden.values(key)).forEach((wanted, element) => {
        if (!this.#isNoise(parameter, element)) total.add(wanted, values[element] as number);
      });
    }
    if (count > 0) this.#result.tensors.push(total.report(name, tolerance));
  }

  /** Norms of all tensors, as relative L2; those that are noise are left out. */
  #norms(name: string, expected: Float32Array, found: Tensors, tolerance: number): TensorReport {
    const total = new TotalDifference();
    this.#forEachParameter((parameter, index) => {
      if (this.#description.zeroGradients.some(({ tensor }) => tensor === parameter.name)) return;
      total.add(expected[index] as number, norm(found.get(parameter.name) as Float32Array));
    });
    return total.report(name, tolerance);
  }

  #difference(now: Tensors): Tensors {
    const { startWeights } = this.#network;
    return new Map(
      [...now].map(([name, values]) => {
        const start = startWeights.get(name) as Float32Array;
        return [name, values.map((value, element) => value - (start[element] as number))];
      }),
    );
  }

  async #sampled(name: string): Promise<{ readonly samples: Float32Array; readonly l2: Float32Array } | undefined> {
    if (!this.#golden.has(`expected.${name}.samples`)) return undefined;
    return {
      samples: await this.#golden.values(`expected.${name}.samples`),
      l2: await this.#golden.values(`expected.${name}.l2`),
    };
  }

  /** Sampled elements of a parameter, without those that are noise. */
  #chosen(parameter: ParameterInfo, index: number, withoutNoise = true): { readonly sample: number; readonly element: number }[] {
    const width = this.#samples.length / this.#description.parameters.length;
    return Array.from({ length: width }, (_, i) => ({ sample: index * width + i, element: this.#samples[index * width + i] as number }))
      .filter(({ element }) => element >= 0)
      .filter(({ element }) => !withoutNoise || !this.#isNoise(parameter, element));
  }

  #isNoise({ name, shape }: ParameterInfo, element: number): boolean {
    return isNoise(this.#description.zeroGradients, name, shape, element);
  }

  #forEachParameter(visit: (parameter: ParameterInfo, index: number) => void): void {
    this.#description.parameters.forEach(visit);
  }
}

/** Expected tensors that are inner values of the network. */
const INNER = /^(noisy|global_cond|grad_noisy|grad_global_cond|activation\..*|grad_activation\..*)$/;

/** Below this rate a step is within a few roundings of a weight. */
const SMALL_RATE = 1e-5;

function push(tensors: TensorReport[], report: TensorReport | undefined): void {
  if (report) tensors.push(report);
}
