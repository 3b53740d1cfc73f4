import { type ProductCall, recordInputGradient, recordProduct, type TrainedGeometry } from '../../ops/backward/rows-product.js';
import { recordVectorGradient, recordWeightGradient } from '../../ops/backward/weight-gradient.js';
import type { Rows } from '../../runtime/rows.js';
import type { StepRecorder } from '../plan/recorded-step.js';
import type { Scratch } from '../plan/scratch.js';

/** What passes of a network are recorded with. */
export interface PassRecorder extends StepRecorder {
  readonly scratch: Scratch;
}

/** Records y = layer(x) + addend for the layer `key` with a bias of its own. */
export function recordLayer(recorder: PassRecorder, key: string, geometry: TrainedGeometry, x: Rows, y: Rows): void {
  const { builder, parameters } = recorder;
  recordProduct(builder, { matrix: parameters.matrix(key), geometry, x, y, bias: { vectors: parameters.vectors(key), index: 0 } });
}

/** Records the gradients of a layer's weights and biases; a frozen one has none. */
export function recordLayerGradients(recorder: PassRecorder, key: string, geometry: TrainedGeometry, x: Rows, dy: Rows): void {
  const { builder, parameters, step } = recorder;
  if (parameters.isFrozen) return;
  recordWeightGradient(builder, { matrix: parameters.matrix(key), geometry, x, dy, step });
  recordVectorGradient(builder, parameters.vectors(key), 0, dy, step);
}

/** Records dx = layerᵀ(dy) + addend. */
export function recordLayerInput(
  { builder, parameters }: PassRecorder,
  key: string,
  call: Pick<ProductCall, 'geometry' | 'x' | 'y' | 'addend'>,
): void {
  recordInputGradient(builder, { matrix: parameters.matrix(key), ...call });
}
