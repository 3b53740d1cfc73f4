import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** Elements, and invocations, of a workgroup. */
export const SLOT_CONDITIONING_WORKGROUP = 64;

export const SLOT_CONDITIONING_SIZES = ['elements', 'slots', 'embedding_width', 'observation_width'] as const;

/**
 * The conditioning of a chunk whose rows, the slots, have a level each: the embedding of the slot's level, then the observation, the same for all.
 *
 *     y[b, j, c] = c < E ? embeddings[j, c] : observation[b, c − E]        activated = mish(y)
 *
 * Bindings: shape · embeddings f32 [slots][E] · observation f32 [b][G] · y, activated f32 [b][slots][E + G]. An invocation owns an element.
 */
export function slotConditioningKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'embeddings', access: 'read', type: 'array<f32>' },
    { name: 'observation', access: 'read', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
    { name: 'activated', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(SLOT_CONDITIONING_SIZES)}
${declareBindings(bindings)}
${activationFunctions('mish')}

@compute @workgroup_size(${SLOT_CONDITIONING_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.elements) {
    return;
  }
  let width = shape.embedding_width + shape.observation_width;
  let channel = id.x % width;
  let row = id.x / width;
  var value: f32;
  if (channel < shape.embedding_width) {
    value = embeddings[(row % shape.slots) * shape.embedding_width + channel];
  } else {
    value = observation[(row / shape.slots) * shape.observation_width + channel - shape.embedding_width];
  }
  y[id.x] = value;
  activated[id.x] = mish(value);
}
`;
  return { label: 'slot_conditioning', code, bindings };
}
