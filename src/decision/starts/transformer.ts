import { type Predictor, recordPredictor } from '../../networks/predictor/predictor.js';
import { asTokens } from '../../runtime/tensor.js';
import type { Start } from './start.js';

/** The STEP predictor. */
export function transformerStart(network: Predictor): Start {
  return {
    kind: 'network',
    record: (builder, history, frames, prediction) => {
      const tensor = asTokens(history.buffer, prediction.batch, prediction.length, prediction.channels);
      const layout = { ...tensor.layout, offset: history.offset / 4 };
      recordPredictor(builder, network, { ...tensor, layout }, frames, prediction);
    },
  };
}
