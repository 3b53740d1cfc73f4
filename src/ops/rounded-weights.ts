import type { WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import { convView } from './matrix-view.js';
import { outputScales } from './quantize.js';
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
  for (let i = 0; i < rounded.length; i++) {
    const scale = scales[Math.floor(i / rows)] as number;
    rounded[i] = scale === 0 ? 0 : nearest((rounded[i] as number) / scale) * scale;
  }
  return rounded;
}

/** To the nearest integer, ties to even. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}
