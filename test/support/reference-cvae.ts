import type { CvaeShape } from '../../src/spec/network-shapes.js';
import type { CvaeBatch } from '../../src/training/cvae/cvae-training.js';

type Tensors = ReadonlyMap<string, Float32Array | Float64Array>;
type Row = Float64Array;

function linear(tensors: Tensors, name: string, x: Row): Row {
  const weight = tensors.get(`${name}.weight`) as Float64Array;
  const bias = tensors.get(`${name}.bias`) as Float64Array;
  return Float64Array.from(bias, (value, o) => x.reduce((sum, input, i) => sum + input * (weight[o * x.length + i] as number), value));
}

/** Masks of the sites by name, 1 where kept, and the probability of a drop. */
interface Drops {
  readonly probability: number;
  readonly masks: ReadonlyMap<string, Uint8Array>;
}

/** Loss of a CVAE in float64, and its parts, from the formulas of the two releases. */
export function referenceCvae(
  weights: Tensors,
  shape: CvaeShape,
  { count, conditioning, actions, latent, klWeight }: CvaeBatch,
  drops?: Drops,
): { readonly loss: number; readonly reconstruction: number; readonly divergence: number } {
  const { activation, hiddenLayers: hidden, latentDim, hiddenDim } = shape;
  const framesDim = shape.observationSteps * shape.observationDim;
  const chunk = shape.horizon * shape.actionDim;
  const isElu = activation === 'elu';
  const activate = (value: number): number => (value > 0 ? value : isElu ? Math.expm1(value) : 0);
  const layers = (sample: number, names: readonly string[], input: Row): Row =>
    names.reduce((x, name) => {
      const y = linear(weights, name, x).map(activate);
      const mask = drops?.masks.get(`${name}.after_relu`);
      return mask ? y.map((value, i) => (value * (mask[sample * hiddenDim + i] as number)) / (1 - drops!.probability)) : y;
    }, input);
  const named = (half: 'encoder' | 'decoder', layer: number): string => (isElu ? `${half}.model.${2 * layer}` : `${half}_net.${3 * layer}`);
  const names = (half: 'encoder' | 'decoder'): string[] => Array.from({ length: hidden }, (_, layer) => named(half, layer));
  let [reconstruction, divergence] = [0, 0];
  for (let b = 0; b < count; b++) {
    const frames = Float64Array.from(conditioning.subarray(b * framesDim, (b + 1) * framesDim));
    const condition = [...(weights.has('obs_projection.weight') ? linear(weights, 'obs_projection', frames) : frames)];
    const target = [...actions.subarray(b * chunk, (b + 1) * chunk)];
    const encoded = layers(b, names('encoder'), Float64Array.from([...condition, ...target]));
    const heads = isElu
      ? linear(weights, named('encoder', hidden), encoded)
      : Float64Array.from([...linear(weights, 'encoder_mean', encoded), ...linear(weights, 'encoder_logstd', encoded)]);
    const mean = heads.subarray(0, latentDim);
    const deviation = heads.subarray(latentDim).map((raw) => {
      if (!isElu) return Math.exp(Math.min(Math.max(raw, -6), 6));
      return Math.min(Math.max(Math.log1p(Math.exp(raw)), 0.01), 10);
    });
    const drawn = mean.map((value, l) => value + (deviation[l] as number) * (latent[b * latentDim + l] as number));
    const decoded = linear(weights, named('decoder', hidden), layers(b, names('decoder'), Float64Array.from([...condition, ...drawn])));
    reconstruction += decoded.reduce((sum, value, i) => sum + (value - (target[i] as number)) ** 2, 0) / chunk / count;
    divergence +=
      mean.reduce((sum, value, l) => sum + 0.5 * (value ** 2 + (deviation[l] as number) ** 2 - 1) - Math.log(deviation[l] as number), 0) /
      count;
  }
  return { loss: (isElu ? 10 : 1) * reconstruction + klWeight * divergence, reconstruction, divergence };
}
