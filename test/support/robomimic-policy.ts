import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { type SyntheticTensor, syntheticFile } from '../../src/synthetic/file.js';
import { CAMERAS, FRAME, imagePolicy, STATE_DIM, STATISTICS } from './image-policy.js';
import { originalName } from './original-names.js';

/** What Diffusion Policy calls the cameras of the image policy: one as the last part of its name, one by a name of its own. */
const KEYS = ['left', 'wrist_image'] as const;

/** What is different in a checkpoint. */
export interface RobomimicChange {
  readonly config?: (config: Record<string, unknown>) => object;
  readonly tensors?: (tensors: readonly SyntheticTensor[]) => readonly SyntheticTensor[];
}

export const valuesTensor = (name: string, shape: readonly number[], values: ArrayLike<number>): SyntheticTensor => ({
  name,
  shape,
  fill: { kind: 'values', values: Float32Array.from(values) },
});

/**
 * The image policy as Diffusion Policy's hybrid workspace leaves it (robomimic's ObservationEncoder): an encoder for each camera, pictures before
 * the state in the conditioning, the state in two parts, and most tensors twice. It computes the same.
 */
export async function robomimicPolicy(change: RobomimicChange = {}): Promise<CheckpointSource> {
  made ??= makeTensors();
  const tensors = await made;
  const model = syntheticFile('model.safetensors', change.tensors?.(tensors) ?? tensors);
  const { 'config.json': text } = await configOf();
  const before = JSON.parse(text) as Record<string, unknown>;
  const image = { type: 'VISUAL', shape: [3, FRAME.height, FRAME.width] };
  const config = {
    ...before,
    use_separate_rgb_encoder_per_camera: true,
    input_features: {
      [CAMERAS[0]]: image,
      [CAMERAS[1]]: { ...image, keys: [KEYS[1]] },
      'observation.state': { type: 'STATE', shape: [STATE_DIM], keys: ['position', 'angle'] },
    },
  };
  const json = memorySource('robomimic policy', { 'config.json': JSON.stringify(change.config?.(config) ?? config) });
  return {
    name: json.name,
    list: async () => ['config.json', model.name],
    open: async (file) => (file === model.name ? model : json.open(file)),
    close: async () => {},
  };
}

/** Made once: an encoder has eleven million values. */
let made: Promise<readonly SyntheticTensor[]> | undefined;

async function makeTensors(): Promise<readonly SyntheticTensor[]> {
  const { weights, encoders, unet, observations } = await loadPolicyCheckpoint(imagePolicy());
  const tensors: SyntheticTensor[] = [];
  const frame = observations.reduce((sum, { size }) => sum + size, 0);
  for (const name of weights.names()) {
    const shape = weights.shape(name) as readonly number[];
    const values = (await weights.readFloats(name)).slice();
    const isFilm = name.endsWith('cond_encoder.1.weight');
    tensors.push(valuesTensor(`model.${originalName(name)}`, shape, isFilm ? picturesFirst(values, unet.stepEmbedDim, frame) : values));
  }
  for (const name of encoders!.weights.names()) {
    const shape = encoders!.weights.shape(name) as readonly number[];
    const values = (await encoders!.weights.readFloats(name)).slice();
    for (const key of KEYS) {
      for (const part of robomimicParts(name.replace('rgb_encoder.', ''), shape, values)) {
        tensors.push({ ...part, name: `obs_encoder.obs_nets.${key}.${part.name}` });
      }
    }
  }
  const normalizer = (key: string, scale: readonly number[], offset: readonly number[]): void =>
    void tensors.push(
      valuesTensor(`normalizer.params_dict.${key}.scale`, [scale.length], scale),
      valuesTensor(`normalizer.params_dict.${key}.offset`, [offset.length], offset),
    );
  // LeRobot's minimum −1 and maximum 1 leave values as they are.
  normalizer('position', [1], [0]);
  normalizer('angle', [1], [0]);
  normalizer('action', [1, 1], [0, 0]);
  STATISTICS.forEach(({ mean, std }, camera) =>
    normalizer(
      KEYS[camera] as string,
      std.map((value) => 1 / value),
      mean.map((value, i) => -value / (std[i] as number)),
    ),
  );
  return tensors;
}

/** Columns of a FiLM projection, [step embedding, (state, features) of each frame], as features come before the state. */
function picturesFirst(values: Float32Array, embedding: number, frame: number): Float32Array {
  const frames = 2;
  const columns = embedding + frames * frame;
  const from = (column: number): number => {
    if (column < embedding) return column;
    const at = (column - embedding) % frame;
    return column - at + ((at + STATE_DIM) % frame);
  };
  return values.map((_, i) => values[i - (i % columns) + from(i % columns)] as number);
}

/** A tensor of LeRobot's encoder as VisualCore has it: under its own name, and inside of `nets`. */
function robomimicParts(name: string, shape: readonly number[], values: Float32Array): SyntheticTensor[] {
  if (name.startsWith('out.')) return [valuesTensor(name.replace('out.', 'nets.3.'), shape, values)];
  if (name === 'pool.pos_grid') {
    return ['x', 'y'].flatMap((axis, offset) => {
      const table = values.filter((_, i) => i % 2 === offset);
      return ['pool', 'nets.1'].map((module) => valuesTensor(`${module}.pos_${axis}`, [1, table.length], table));
    });
  }
  const nets = name.replace(/^backbone\./, 'backbone.nets.');
  const again = nets.replace(/^backbone\./, 'nets.0.').replace(/^pool\./, 'nets.1.');
  const temperature = name === 'pool.nets.bias' ? [valuesTensor('pool.temperature', [1], [1])] : [];
  return [valuesTensor(nets, shape, values), valuesTensor(again, shape, values), ...temperature];
}

async function configOf(): Promise<{ 'config.json': string }> {
  const file = await imagePolicy().open('config.json');
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  return { 'config.json': new TextDecoder().decode(bytes) };
}
