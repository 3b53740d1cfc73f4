import type { WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import type { Conv1dWeights } from './conv1d.js';
import type { NormWeights } from './norm.js';
import type { WeightLoader } from './weight-source.js';

/** What a token kernel reads: linear layers as a stack (kernels/linear-stack.ts), and everything that is f32. */
export interface TokenWeights {
  readonly weight: GPUBuffer;
  /** For int8 alone. */
  readonly weightScale: GPUBuffer | undefined;
  /** Biases of the stack, gamma and beta of each norm, then what else the kernel says. */
  readonly floats: GPUBuffer;
  readonly storage: WeightStorage;
}

export interface TokenParts {
  /** In the order of the kernel's stack; all stored alike, in buffers, both sizes a multiple of 4. */
  readonly linears: readonly Conv1dWeights[];
  readonly norms: readonly NormWeights[];
  readonly others?: readonly GPUBuffer[];
}

/**
 * Copies the weights of several layers behind each other. The copies belong to the loader, the parts may be destroyed as
 * soon as this returns.
 */
export async function packTokenWeights(loader: Pick<WeightLoader, 'uploader'>, label: string, parts: TokenParts): Promise<TokenWeights> {
  const { linears, norms, others = [] } = parts;
  const storage = linears[0]?.storage;
  if (storage === undefined || linears.some((linear) => linear.storage !== storage)) {
    throw new TypeError(`${label}: a stack has layers, and they are all stored alike`);
  }
  const weights = linears.map(({ weight }) => {
    if ('createView' in weight) throw new TypeError(`${label}: token kernels read weights from buffers, not from textures`);
    return weight;
  });
  const scales = linears.flatMap(({ weightScale }) => (weightScale ? [weightScale] : []));
  const biases = linears.map(({ bias }) => {
    if (!bias) throw new TypeError(`${label}: every layer of a stack has a bias`);
    return bias;
  });
  return {
    weight: await joinedFloats(loader, `weights of ${label}`, weights),
    weightScale: scales.length > 0 ? await joinedFloats(loader, `scales of ${label}`, scales) : undefined,
    floats: await joinedFloats(loader, `f32 values of ${label}`, [
      ...biases,
      ...norms.flatMap(({ gamma, beta }) => [gamma, beta]),
      ...others,
    ]),
    storage,
  };
}

/** A buffer of the loader with the contents of these, whose sizes are multiples of 16 bytes, one after the other. */
async function joinedFloats(
  { uploader }: Pick<WeightLoader, 'uploader'>,
  label: string,
  buffers: readonly GPUBuffer[],
): Promise<GPUBuffer> {
  const target = await uploader.allocate(
    label,
    buffers.reduce((sum, { size }) => sum + size, 0),
  );
  const { gpuDevice } = uploader.device;
  const encoder = gpuDevice.createCommandEncoder({ label });
  let offset = 0;
  for (const buffer of buffers) {
    encoder.copyBufferToBuffer(buffer, 0, target, offset, buffer.size);
    offset += buffer.size;
  }
  gpuDevice.queue.submit([encoder.finish()]);
  return target;
}
