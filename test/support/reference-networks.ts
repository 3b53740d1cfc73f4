import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import { attention, convolution, groupNormMish, layerNorm, mish } from './reference.js';
import { type Values, valueAt, valuesOf } from './values.js';

/** The two networks written down in float64, layer by layer, after the PyTorch sources: what plans are compared with. */

export type Tensors = Readonly<Record<string, Float32Array>>;

const tensor = (tensors: Tensors, name: string): Float32Array => {
  const found = tensors[name];
  if (!found) throw new Error(`the test has no tensor "${name}"`);
  return found;
};

/** `name`.weight and .bias as a convolution of x. */
function conv(
  tensors: Tensors,
  name: string,
  x: Values,
  kernelSize: number,
  options: { stride?: number; padding?: number; transposed?: boolean } = {},
): Values {
  const bias = tensor(tensors, `${name}.bias`);
  return convolution({ x, weight: tensor(tensors, `${name}.weight`), bias, outChannels: bias.length, kernelSize, ...options });
}

function add(a: Values, b: Values): Values {
  return { ...a, data: a.data.map((value, i) => value + (b.data[i] as number)) };
}

/** Channels of a, then channels of b. */
function joinChannels(a: Values, b: Values): Values {
  return valuesOf(a.batch, a.channels + b.channels, a.length, (n, c, t) =>
    c < a.channels ? valueAt(a, n, c, t) : valueAt(b, n, c - a.channels, t),
  );
}

function map(x: Values, f: (value: number) => number): Values {
  return { ...x, data: x.data.map(f) };
}

/** Sinusoids of a level for each position, [b][dim][length]: all sines, then all cosines. */
function sinusoids(batch: number, dim: number, levels: readonly number[]): Values {
  const half = dim / 2;
  return valuesOf(batch, dim, levels.length, (_b, c, t) => {
    const angle = (levels[t] as number) * Math.exp((-Math.log(10000) * (c % half)) / (half - 1));
    return c < half ? Math.sin(angle) : Math.cos(angle);
  });
}

/** `diffusion_step_encoder`, whose linear layers have these indices. */
function embedded(tensors: Tensors, [first, second]: readonly [number, number], waves: Values): Values {
  const hidden = conv(tensors, `diffusion_step_encoder.${first}`, waves, 1);
  return conv(tensors, `diffusion_step_encoder.${second}`, map(hidden, mish), 1);
}

/** One sample's values at every position. */
function repeated(x: Values, length: number): Values {
  return valuesOf(x.batch, x.channels, length, (b, c) => valueAt(x, b, c, 0));
}

/** The U-Net. x: [b][actionDim][horizon]; conditioning: [b][conditioningDim][1]; returns the shape of x. */
export function referenceUnet(tensors: Tensors, config: UnetShape, x: Values, timestep: number, conditioning: Values): Values {
  const embedding = embedded(tensors, [1, 3], sinusoids(x.batch, config.stepEmbedDim, [timestep]));
  const condition = joinChannels(embedding, conditioning);
  return unetBlocks(tensors, config, x, () => condition);
}

/** What drops in a residual block: its name, which of its two sites, and the values. */
export type Drop = (block: string, site: 'activation' | 'residual', values: Values) => Values;

/** The U-Net of Consistency Policy: `levels` [b][embeddings], whose embeddings lie side by side; its residual blocks drop as they are told. */
export function referenceLevelsUnet(
  tensors: Tensors,
  config: UnetShape,
  x: Values,
  levels: readonly (readonly number[])[],
  conditioning: Values,
  drop: Drop = (_block, _site, values) => values,
): Values {
  const samples = levels.map((own) => embedded(tensors, [1, 3], sinusoids(1, config.stepEmbedDim, own)));
  const dim = config.stepEmbedDim;
  const embedding = valuesOf(x.batch, (levels[0]?.length ?? 0) * dim, 1, (b, c) =>
    valueAt(samples[b] as Values, 0, c % dim, Math.floor(c / dim)),
  );
  const condition = joinChannels(embedding, conditioning);
  return unetBlocks(tensors, config, x, () => condition, undefined, drop);
}

/** The U-Net of SDP: one embedding of the sinusoids of all slots' levels, one after the other. */
export function referenceStreamingUnet(
  tensors: Tensors,
  config: UnetShape,
  x: Values,
  levels: readonly number[],
  conditioning: Values,
): Values {
  const dim = config.stepEmbedDim;
  const waves = sinusoids(x.batch, dim, levels);
  const joined = valuesOf(x.batch, levels.length * dim, 1, (b, c) => valueAt(waves, b, c % dim, Math.floor(c / dim)));
  const condition = joinChannels(embedded(tensors, [3, 5], joined), conditioning);
  return unetBlocks(tensors, config, x, () => condition);
}

/** The U-Net of RNR-DP: conditioning by position, which is resampled wherever x is, by convolutions of its own. */
export function referenceSlotUnet(tensors: Tensors, config: UnetShape, x: Values, levels: readonly number[], conditioning: Values): Values {
  const embedding = embedded(tensors, [1, 3], sinusoids(x.batch, config.stepEmbedDim, levels));
  let condition = joinChannels(embedding, repeated(conditioning, levels.length));
  return unetBlocks(
    tensors,
    config,
    x,
    () => condition,
    (module, transposed) => {
      condition = conv(tensors, `${module}.3`, condition, transposed ? 4 : 3, { stride: 2, padding: 1, transposed });
    },
  );
}

/**
 * The blocks of a U-Net. `conditioning`: before Mish, of the block that is about to run, [b][width][1 or length]; `resampled` is told of every
 * module that resampled x.
 */
function unetBlocks(
  tensors: Tensors,
  config: UnetShape,
  x: Values,
  conditioning: () => Values,
  resampled: (module: string, transposed: boolean) => void = () => {},
  drop: Drop = (_block, _site, values) => values,
): Values {
  const { downDims, kernelSize, groups } = config;
  const last = downDims.length - 1;
  const convBlock = (name: string, input: Values, groupCount: number): Values =>
    groupNormMish({
      x: conv(tensors, `${name}.block.0`, input, kernelSize, { padding: kernelSize >> 1 }),
      gamma: tensor(tensors, `${name}.block.1.weight`),
      beta: tensor(tensors, `${name}.block.1.bias`),
      groups: groupCount,
    });
  const residualBlock = (name: string, input: Values): Values => {
    const h = drop(name, 'activation', convBlock(`${name}.conv1`, input, groups));
    const film = conv(tensors, `${name}.cond_encoder.1`, map(conditioning(), mish), 1);
    const filmAt = (b: number, c: number, t: number): number => valueAt(film, b, c, film.length === 1 ? 0 : t);
    const modulated = valuesOf(h.batch, h.channels, h.length, (b, c, t) =>
      config.scaleModulation ? valueAt(h, b, c, t) * filmAt(b, c, t) + filmAt(b, h.channels + c, t) : valueAt(h, b, c, t) + filmAt(b, c, t),
    );
    const residual = tensors[`${name}.residual_conv.weight`] ? conv(tensors, `${name}.residual_conv`, input, 1) : input;
    return drop(name, 'residual', add(convBlock(`${name}.conv2`, modulated, groups), residual));
  };

  const skips: Values[] = [];
  let h = x;
  downDims.forEach((_, level) => {
    h = residualBlock(`down_modules.${level}.1`, residualBlock(`down_modules.${level}.0`, h));
    skips.push(h);
    if (level === last) return;
    h = conv(tensors, `down_modules.${level}.2`, h, 3, { stride: 2, padding: 1 });
    resampled(`down_modules.${level}`, false);
  });
  h = residualBlock('mid_modules.1', residualBlock('mid_modules.0', h));
  for (let j = 0; j < last; j++) {
    h = residualBlock(`up_modules.${j}.0`, joinChannels(h, skips[last - j] as Values));
    h = residualBlock(`up_modules.${j}.1`, h);
    h = conv(tensors, `up_modules.${j}.2`, h, 4, { stride: 2, padding: 1, transposed: true });
    // Nobody reads what the last one makes of the conditioning.
    if (j < last - 1) resampled(`up_modules.${j}`, true);
  }
  return conv(tensors, 'final_conv.1', convBlock('final_conv.0', h, 8), 1);
}

/** Gaussian error linear unit, exact. */
function geluValues(tensors: Tensors, name: string, x: Values, outActivation: 'gelu' | 'none'): Values {
  const bias = tensor(tensors, `${name}.bias`);
  return convolution({ x, weight: tensor(tensors, `${name}.weight`), bias, outChannels: bias.length, kernelSize: 1, outActivation });
}

/** The STEP predictor. history: [b][actionDim][historySteps], observations: [b][observationDim][observationSteps]. */
export function referencePredictor(tensors: Tensors, config: PredictorShape, history: Values, observations: Values): Values {
  const { modelDim: d, heads, horizon } = config;
  const positions = (name: string, x: Values): Values =>
    add(
      x,
      valuesOf(x.batch, d, x.length, (_b, c, t) => tensor(tensors, name)[t * d + c] as number),
    );
  const norm = (name: string, x: Values): Values => layerNorm(x, tensor(tensors, `${name}.weight`), tensor(tensors, `${name}.bias`));
  const linear = (name: string, x: Values): Values => conv(tensors, name, x, 1);
  const feedforward = (first: string, second: string, x: Values): Values => linear(second, geluValues(tensors, first, x, 'gelu'));
  const project = (name: string, part: number, x: Values): Values =>
    convolution({
      x,
      weight: tensor(tensors, `${name}.in_proj_weight`).slice(part * d * d, (part + 1) * d * d),
      bias: tensor(tensors, `${name}.in_proj_bias`).slice(part * d, (part + 1) * d),
      outChannels: d,
      kernelSize: 1,
    });
  const attend = (name: string, x: Values, memory: Values): Values =>
    linear(`${name}.out_proj`, attention(project(name, 0, x), project(name, 1, memory), project(name, 2, memory), heads));

  const historyTokens = positions('pos_encoder_action.pe', linear('prev_action_embed', history));
  const observationTokens = positions('pos_encoder_obs.pe', linear('obs_embed', observations));
  let memory = valuesOf(history.batch, d, history.length + observations.length, (b, c, t) =>
    t < history.length ? valueAt(historyTokens, b, c, t) : valueAt(observationTokens, b, c, t - history.length),
  );
  for (let i = 0; i < config.encoderLayers; i++) {
    const name = `cond_encoder.layers.${i}`;
    const normalized = norm(`${name}.norm1`, memory);
    memory = add(memory, attend(`${name}.self_attn`, normalized, normalized));
    memory = add(memory, feedforward(`${name}.linear1`, `${name}.linear2`, norm(`${name}.norm2`, memory)));
  }
  let x = positions(
    'pos_encoder_action.pe',
    valuesOf(history.batch, d, horizon, (_b, c, t) => tensor(tensors, 'action_query')[t * d + c] as number),
  );
  for (let i = 0; i < config.decoderLayers; i++) {
    const name = `cross_attention_layers.${i}`;
    x = norm(`${name}.norm1`, add(x, attend(`${name}.self_attn`, x, x)));
    x = norm(`${name}.norm2`, add(x, attend(`${name}.cross_attn`, x, memory)));
    x = norm(`${name}.norm3`, add(x, feedforward(`${name}.ffn.0`, `${name}.ffn.3`, x)));
  }
  return linear('output_proj', norm('output_norm', x));
}
