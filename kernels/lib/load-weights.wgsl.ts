import { declareBindings, type Kernel, type KernelBinding } from './kernel.js';
import { chunkPairs, type HalfLoads, type WeightStorage, weightFormat } from './weight-storage.wgsl.js';
import { unroll, wgsl } from './wgsl.js';

/** Invocations per workgroup of `loadWeightsKernel`. */
export const LOAD_WORKGROUP = 64;

/**
 * The f32 bits of weights as a kernel loads them, without scales:
 *
 *     bits[pairs · i + p] = pair p of chunk i
 *
 * For checking a device. An invocation owns one chunk, and their number must be a multiple of `LOAD_WORKGROUP`.
 * Bindings: weight · bits array<vec4u>.
 */
export function loadWeightsKernel(storage: Exclude<WeightStorage, 'int8'>, halfLoads: HalfLoads): Kernel {
  const format = weightFormat(storage, halfLoads);
  const pairs = chunkPairs(storage);
  const bindings: KernelBinding[] = [...format.bindings, { name: 'bits', access: 'read_write', type: 'array<vec4u>' }];
  const code = wgsl`${format.enable}
${declareBindings(bindings)}

${format.loadChunk}

@compute @workgroup_size(${LOAD_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let chunk = load_chunk(id.x);
${unroll(pairs, (pair) => `  bits[id.x * ${pairs}u + ${pair}u] = bitcast<vec4u>(${format.unpack('chunk', pair)});`)}
}
`;
  return { label: `load_weights ${format.name}`, code, bindings };
}
