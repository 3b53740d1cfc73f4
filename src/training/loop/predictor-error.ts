import type { ChunkSample } from './chunk-sample.js';
import { type PairsSpec, readPairs } from './predictor-batches.js';
import type { PredictorForward } from './predictor-forward.js';

/** Mean squares of a prediction's error, normalised. */
export interface PredictionError {
  /** Over all rows of the target. */
  readonly all: number;
  /** Over its rows that the previous chunk does not have: the total flatters whoever copies. */
  readonly unseen: number;
}

/** Adds up squared errors of chunks [rows][horizon][actionDim]. */
export class ErrorSum {
  readonly #horizon: number;
  readonly #actionDim: number;
  readonly #seenRows: number;
  #all = 0;
  #unseen = 0;
  #chunks = 0;

  /** `seenRows`: rows of the target, from the first, that the previous chunk covers too. */
  constructor(horizon: number, actionDim: number, seenRows: number) {
    this.#horizon = horizon;
    this.#actionDim = actionDim;
    this.#seenRows = seenRows;
  }

  add(predicted: Float32Array, target: Float32Array, chunks: number): void {
    const size = this.#horizon * this.#actionDim;
    for (let i = 0; i < chunks * size; i++) {
      const square = ((predicted[i] as number) - (target[i] as number)) ** 2;
      this.#all += square;
      if (i % size >= this.#seenRows * this.#actionDim) this.#unseen += square;
    }
    this.#chunks += chunks;
  }

  get mean(): PredictionError {
    const rows = this.#chunks * this.#actionDim;
    return { all: this.#all / (rows * this.#horizon), unseen: this.#unseen / (rows * (this.#horizon - this.#seenRows)) };
  }
}

/** Errors on windows that nothing was learned from, beside those of the cheapest predictor that there is. */
export interface PredictorEvaluation {
  readonly network: PredictionError;
  /** The previous chunk moved by the executed rows, its last row repeated. */
  readonly shift: PredictionError;
  readonly samples: readonly ChunkSample[];
}

/** Predicts the windows around `anchors` and compares them with the demonstrations; the histories are undamaged. */
export async function evaluatePredictor(
  forward: PredictorForward,
  spec: PairsSpec,
  anchors: Int32Array,
  sampleCount: number,
): Promise<PredictorEvaluation> {
  const { horizon, actionSteps, action } = spec;
  const size = horizon * action.size;
  const sum = (): ErrorSum => new ErrorSum(horizon, action.size, horizon - actionSteps);
  const [network, shift] = [sum(), sum()];
  const samples: ChunkSample[] = [];
  const sampled = new Set(Array.from({ length: sampleCount }, (_, i) => Math.floor((i * anchors.length) / sampleCount)));
  for (let first = 0; first < anchors.length; first += forward.batchSize) {
    const rows = anchors.subarray(first, first + forward.batchSize);
    const { previous, observation, pictures, target } = await readPairs(spec, rows, forward.batchSize);
    const predicted = await forward.predict(previous, observation, pictures);
    network.add(predicted, target, rows.length);
    shift.add(shifted(previous, horizon, action.size, actionSteps), target, rows.length);
    for (let i = 0; i < rows.length; i++) {
      if (!sampled.has(first + i)) continue;
      const chunk = (values: Float32Array): number[] => Array.from(values.subarray(i * size, (i + 1) * size));
      samples.push({
        rows: horizon,
        actionDim: action.size,
        target: chunk(target),
        predicted: chunk(predicted),
        previous: chunk(previous),
      });
    }
  }
  return { network: network.mean, shift: shift.mean, samples };
}

function shifted(chunks: Float32Array, horizon: number, actionDim: number, rows: number): Float32Array {
  return chunks.map((_, i) => {
    const chunk = Math.floor(i / (horizon * actionDim));
    const row = Math.min((Math.floor(i / actionDim) % horizon) + rows, horizon - 1);
    return chunks[(chunk * horizon + row) * actionDim + (i % actionDim)] as number;
  });
}
