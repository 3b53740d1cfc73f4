import { CheckpointError } from '../foundation/errors.js';
import type { PolicyInfo } from '../policy/info.js';
import { encoderMap } from '../spec/network-shapes.js';
import type { GoldenCase } from './golden-case.js';

/**
 * What an encoder computed of a frame as a case recorded it: maps are thinned, `activation_strides` of the case says by which steps along
 * channel, row and column. `name`: e.g. `expected.encoder.0.backbone.4`.
 */
export function encoderStage(golden: GoldenCase, name: string, info: PolicyInfo, values: Float32Array): Float32Array {
  if (!info.images) throw new CheckpointError(`the case expects "${name}", but the policy reads no images.`);
  const map = encoderMap(name.replace(/^expected\.encoder\.\d+\./, ''), info.images.encoder);
  if (!map) return values;
  const { channels, height, width } = map;
  const [channelStep, rowStep, columnStep] = golden.description.activation_strides?.[name] ?? [1, 1, 1];
  const kept: number[] = [];
  for (let channel = 0; channel < channels; channel += channelStep) {
    for (let row = 0; row < height; row += rowStep) {
      for (let column = 0; column < width; column += columnStep) {
        kept.push(values[(channel * height + row) * width + column] as number);
      }
    }
  }
  return Float32Array.from(kept);
}
