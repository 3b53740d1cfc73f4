import type { ComputeDevice } from '../../runtime/device.js';
import type { ParameterStore } from '../plan/parameter-store.js';
import type { ParameterInfo, ParameterSet, RunOptions, StepMetrics, TrainingStep, UpdateScalars } from '../training-step.js';
import { MethodTraining, type MethodTrainingOptions, methodParameters } from './method-training.js';
import { type OneStepBatch, type OneStepOptions, oneStepGenerator, oneStepScore } from './one-step.js';
import { methodUnet } from './unet-network.js';

/** What the names of the score network's parameters begin with. */
export const SCORE = 'score.';

/** The score network's rate in units of the generator's: 2e-5 to 1e-6 in the paper. */
const SCORE_RATE = 20;

type Tensors = ReadonlyMap<string, Float32Array>;

/**
 * Generator and score network of One-Step Diffusion Policy, trained in turns: on one batch, first the score network on the generator's actions, then
 * the generator by both scores. Each has an optimiser of its own; losses and norms are the generator's.
 */
export class OneStepTraining implements TrainingStep<OneStepBatch> {
  readonly batchSize: number;
  readonly parameters: readonly ParameterInfo[];
  readonly #generator: MethodTraining<OneStepBatch>;
  readonly #score: MethodTraining<OneStepBatch>;

  private constructor(generator: MethodTraining<OneStepBatch>, score: MethodTraining<OneStepBatch>) {
    this.batchSize = generator.batchSize;
    this.parameters = [...generator.parameters, ...score.parameters.map(({ name, shape }) => ({ name: SCORE + name, shape }))];
    this.#generator = generator;
    this.#score = score;
  }

  /** Weights begin as zeros: write them. `teacher` outlives it. @throws as MethodTraining.create. */
  static async create(
    device: ComputeDevice,
    options: OneStepOptions,
    teacher: ParameterStore,
    { ema, precision }: Pick<MethodTrainingOptions, 'ema' | 'precision'>,
  ): Promise<OneStepTraining> {
    const network = methodUnet(options.shape);
    const store = await methodParameters(device, network, ema, precision);
    let score: MethodTraining<OneStepBatch>;
    let scoreStore: ParameterStore;
    try {
      scoreStore = await methodParameters(device, network, ema, precision);
      score = await MethodTraining.create(device, oneStepScore(options, store), { ema, store: scoreStore });
    } catch (error) {
      store.destroy();
      throw error;
    }
    try {
      const method = oneStepGenerator(options, { teacher, score: scoreStore });
      return new OneStepTraining(await MethodTraining.create(device, method, { ema, store }), score);
    } catch (error) {
      score.dispose();
      throw error;
    }
  }

  get memory(): Readonly<Record<string, number>> {
    const [own, other] = [this.#generator.memory, this.#score.memory];
    return Object.fromEntries(Object.entries(own).map(([purpose, bytes]) => [purpose, bytes + (other[purpose] ?? 0)]));
  }

  run(batch: OneStepBatch, update: UpdateScalars | null, options?: RunOptions): void {
    this.#score.run(batch, update && { ...update, learningRate: SCORE_RATE * update.learningRate }, options);
    this.#generator.run(batch, update, options);
  }

  async metrics(): Promise<StepMetrics> {
    const [own, other] = await Promise.all([this.#generator.metrics(), this.#score.metrics()]);
    const refused = [own.refusedStep, other.refusedStep].filter((step) => step !== null);
    return { ...own, refusedStep: refused.length === 0 ? null : Math.min(...refused) };
  }

  async read(set: ParameterSet): Promise<Tensors> {
    const score = await this.#score.read(set);
    return new Map([...(await this.#generator.read(set)), ...[...score].map(([name, values]) => [SCORE + name, values] as const)]);
  }

  write(set: ParameterSet, tensors: Tensors): void {
    const of = (isScore: boolean): Tensors =>
      new Map(
        [...tensors]
          .filter(([name]) => name.startsWith(SCORE) === isScore)
          .map(([name, values]) => [isScore ? name.slice(SCORE.length) : name, values]),
      );
    this.#generator.write(set, of(false));
    this.#score.write(set, of(true));
  }

  dispose(): void {
    this.#generator.dispose();
    this.#score.dispose();
  }
}
