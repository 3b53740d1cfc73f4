import type { WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import { convView } from './matrix-view.js';
import { codeOf, outputScales } from './quantize.js';
import { roundHalves } from './weight-packing.js';

/**
 * Weights [out][row] as a device would read them back from `storage`, in f32: halves, or whole numbers up to 127 times the scale of their output
 * channel. For convolutions whose weights are transformed before they are stored: what is transformed is rounded, what becomes of it is not
 * rounded again.
 * @throws HalfRangeError, OptionError for what the storage cannot hold.
 */
export function roundedWeights(storage: WeightStorage, label: string, values: Float32Array, outChannels: number): Float32Array {
  if (storage === 'f32') return values;
  const rounded = values.slice();
  if (storage === 'f16') {
    roundHalves(label, rounded);
    return rounded;
  }
  const rows = values.length / outChannels;
  const scales = outputScales(values, convView(outChannels, rows, 1), outChannels, label);
  for (let channel = 0; channel < outChannels; channel++) {
    const scale = scales[channel] as number;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = channel * rows; i < (channel + 1) * rows; i++) rounded[i] = codeOf(rounded[i] as number, inverse) * scale;
  }
  return rounded;
}
