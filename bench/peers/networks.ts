import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../src/checkpoints/source.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { type SyntheticSize, syntheticEncoderShape, syntheticPolicy, syntheticUnet } from '../../src/synthetic/checkpoint.js';
import { syntheticEncoder } from '../../src/synthetic/encoder.js';
import { syntheticFile } from '../../src/synthetic/file.js';
import { fillValues } from '../../src/synthetic/fill.js';

/** Sizes of the U-Net that there is a graph of. */
const PEER_UNETS = ['large', 'small'] as const satisfies readonly SyntheticSize[];
export type PeerUnet = (typeof PEER_UNETS)[number];

/** Image encoders that there is a graph of. */
const ENCODERS = {
  'encoder-gn-84': { height: 84, width: 84, norm: 'group' },
  'encoder-bn-240x320': { height: 240, width: 320, norm: 'batch' },
  'encoder-bn-480x640': { height: 480, width: 640, norm: 'batch' },
} as const;
export type PeerEncoder = keyof typeof ENCODERS;
export const PEER_ENCODERS = Object.keys(ENCODERS) as PeerEncoder[];

export type PeerNetwork = PeerUnet | PeerEncoder;
export const PEER_NETWORKS: readonly PeerNetwork[] = [...PEER_UNETS, ...PEER_ENCODERS];

/** What every engine does: one evaluation of a U-Net and a decision of two denoising steps, or one picture. */
export type Workload = 'one evaluation' | 'two steps' | 'one picture';

export function isEncoder(network: PeerNetwork): network is PeerEncoder {
  return network in ENCODERS;
}

export function workloadsOf(network: PeerNetwork): readonly Workload[] {
  return isEncoder(network) ? ['one picture'] : ['one evaluation', 'two steps'];
}

export function encoderShape(network: PeerEncoder): ImageEncoderShape {
  return syntheticEncoderShape(ENCODERS[network]);
}

/** Bound of a uniform distribution of variance 1. */
const UNIT_VARIANCE = Math.sqrt(3);

/** A picture as the graphs take it: normalised, f32 [3][height][width]. */
export function createPicture(network: PeerEncoder): Float32Array {
  const { height, width } = encoderShape(network);
  const picture = new Float32Array(3 * height * width);
  fillValues({ kind: 'uniform', bound: UNIT_VARIANCE, seed: 1 }, 0, picture);
  return picture;
}

/** A graph as its JSON must describe it. */
export interface ExpectedGraph {
  /** Name of the files, without their endings. */
  readonly file: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Shapes of the tensors of its weights, by the names of a checkpoint. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
}

const UNET_PREFIX = 'diffusion.unet.';
export const ENCODER_PREFIX = 'diffusion.rgb_encoder.';

export function expectedGraph(network: PeerNetwork): ExpectedGraph {
  if (isEncoder(network)) {
    const shape = encoderShape(network);
    const tensors = syntheticEncoder(shape, ENCODER_PREFIX).map(({ name, shape: sizes }): [string, readonly number[]] => [name, sizes]);
    return { file: network, inputs: { image: [1, 3, shape.height, shape.width] }, tensors: new Map(tensors) };
  }
  const unet = syntheticUnet(network);
  return {
    file: `unet-${network}`,
    inputs: { sample: [1, unet.horizon, unet.actionDim], timestep: [1], global_cond: [1, unet.conditioningDim] },
    tensors: new Map([...unetTensorShapes(unet)].map(([name, shape]) => [UNET_PREFIX + name, shape])),
  };
}

/** Bytes of all weights as f32. */
export function weightBytes(network: PeerNetwork): number {
  const elements = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);
  return [...expectedGraph(network).tensors.values()].reduce((sum, shape) => sum + 4 * elements(shape), 0);
}

/** The weights of a network, the same for every engine: made while they are read. */
export async function openWeights(network: PeerNetwork): Promise<SafetensorsFile> {
  if (isEncoder(network)) {
    return SafetensorsFile.open(syntheticFile('model.safetensors', syntheticEncoder(encoderShape(network), ENCODER_PREFIX)));
  }
  const policy: CheckpointSource = syntheticPolicy(network);
  return SafetensorsFile.open(await policy.open('model.safetensors'));
}
