import { CheckpointError } from '../foundation/errors.js';
import type { PolicyInfo } from '../policy/info.js';
import { encoderMap, smallEncoderMap } from '../spec/network-shapes.js';
import type { GoldenCase } from './golden-case.js';

/** Channels and sides of a map, or undefined for what is none. */
type Sides = ReturnType<typeof encoderMap>;

/** What the policy's encoder computed of a frame as a case recorded it. `name`: e.g. `expected.encoder.0.backbone.4`. */
export function encoderStage(golden: GoldenCase, name: string, info: PolicyInfo, values: Float32Array): Float32Array {
  if (!info.images) throw new CheckpointError(`the case expects "${name}", but the policy reads no images.`);
  return thinned(golden, name, encoderMap(name.replace(/^expected\.encoder\.\d+\./, ''), info.images.encoder), values);
}

/** The same of a predictor's encoder, which reads frames as cameras deliver them. `name`: e.g. `expected.predictor.net.3`. */
export function predictorStage(golden: GoldenCase, name: string, info: PolicyInfo, values: Float32Array): Float32Array {
  if (!info.images) throw new CheckpointError(`the case expects "${name}", but the policy reads no images.`);
  const [, index] = /^expected\.predictor\.net\.(\d+)$/.exec(name) ?? [];
  const [height, width] = info.images.frame;
  const map = index === undefined ? undefined : smallEncoderMap((Number(index) - 1) / 2, { height, width });
  return thinned(golden, name, map, values);
}

/** A map as it was recorded: `activation_strides` of the case says by which steps along channel, row and column. */
function thinned(golden: GoldenCase, name: string, map: Sides, values: Float32Array): Float32Array {
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
