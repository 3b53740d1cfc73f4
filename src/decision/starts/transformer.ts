import { type Predictor, recordPredictor } from '../../networks/predictor/predictor.js';
import { type Conv1dWeights, recordConv1d } from '../../ops/conv1d.js';
import { probeTensor, tokens } from '../../runtime/tensor.js';
import { rangeAsTokens, type Start } from './start.js';

/** What a predictor reads in place of the conditioning. */
export interface RowsOfStart {
  /** Values of a row. */
  readonly width: number;
  /** From rows to observation tokens; undefined: they are as wide. */
  readonly projection: Conv1dWeights | undefined;
}

/** The STEP predictor. Probes: `tokens`, and `features` where it reads rows of its own. */
export function transformerStart(network: Predictor, rows?: RowsOfStart): Start {
  return {
    kind: 'network',
    rowWidth: rows?.width ?? 0,
    latentDim: 0,
    latentStd: 1,
    record: (builder, inputs, prediction) => {
      const { batch, length, channels } = prediction;
      const history = rangeAsTokens(inputs.history, batch, length, channels);
      let observations = inputs.frames;
      if (rows) {
        const { observationSteps, observationDim } = network.shape;
        const own = rangeAsTokens(inputs.rows, batch, observationSteps, rows.width);
        observations = own;
        if (rows.projection) {
          observations = tokens(builder, 'observation tokens', batch, observationSteps, observationDim);
          recordConv1d(builder, rows.projection, { x: own, y: observations });
        }
        probeTensor(builder, 'features', own);
      }
      probeTensor(builder, 'tokens', observations);
      recordPredictor(builder, network, history, observations, prediction);
    },
  };
}
