import {
  PROLOGUE_LAYOUTS,
  PROLOGUE_VEC4S,
  type PrologueParameters,
  prologueBindings,
  prologueParts,
  prologueSizes,
  prologueText,
} from '../conv/conv-prologue.wgsl.js';
import { type PrologueSizes, prologueWords } from '../conv/conv1d-shape.js';
import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING, shapeWords } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The kernel's `shape`. */
export function finishNormShape(p: PrologueParameters, inChannels: number, stage: PrologueSizes): number[] {
  return shapeWords([inChannels, ...prologueWords(p, stage)], [stage.stored, stage.skip]);
}

/**
 * Finishes what a convolution with a split reduction left, where no other convolution does it on the way in: the stage of
 * conv-stage.wgsl.ts by itself. Bindings: shape · those of the stage. A workgroup owns one group of the norm of one sample.
 */
export function finishNormKernel(p: PrologueParameters, invocations: number): Kernel {
  const bindings: KernelBinding[] = [SHAPE_BINDING, ...prologueBindings(p)];
  const code = wgsl`
${declareShape(['in_channels', ...prologueSizes(p)], PROLOGUE_LAYOUTS)}
${declareBindings(bindings)}

${activationFunctions(p.norm === 'none' ? 'none' : 'mish')}
var<workgroup> shared_values: array<vec4f, ${PROLOGUE_VEC4S}>;
${prologueText(p, invocations)}
@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  stage(workgroup.x * shape.norm_channels, shape.norm_channels, workgroup.z, true, local);
}
`;
  const parts = [`finish_norm ${p.length}`, ...prologueParts(p)];
  return { label: parts.join(', '), code, bindings };
}
