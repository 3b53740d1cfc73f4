import { reluOf } from '../lib/activations.wgsl.js';
import { type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { mapParts, type ReadMap, readMap, type WrittenMap, writtenMap } from '../lib/map-place.wgsl.js';
import type { WeightFormat } from '../lib/weight-storage.wgsl.js';
import { wgsl } from '../lib/wgsl.js';
import type { Conv2dParameters } from './conv2d-shape.js';

/** The feature maps of a 2-D convolution, by where they lie. */
export function conv2dMaps({ maps }: Pick<Conv2dParameters, 'maps'>): {
  readonly x: ReadMap;
  readonly residual: ReadMap;
  readonly y: WrittenMap;
} {
  return { x: readMap('x', maps?.x), residual: readMap('residual', maps?.residual), y: writtenMap('y', maps?.y) };
}

/**
 * Bindings of a 2-D convolution: see conv2d-tiled.wgsl.ts. Where weights and all maps lie in textures these are four storage textures with a
 * residual: WebGPU's default for maxStorageTexturesPerShaderStage, which no device is asked to raise. A fifth would need that.
 */
export function conv2dBindings(p: Conv2dParameters, format: WeightFormat): KernelBinding[] {
  const { x, residual, y } = conv2dMaps(p);
  return [
    SHAPE_BINDING,
    x.binding,
    ...format.bindings,
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.residual ? [residual.binding] : []),
    y.binding,
  ];
}

/** Declares what loads and stores of maps in textures call. */
export function declareConv2dMaps(p: Conv2dParameters): string {
  const { x, residual, y } = conv2dMaps(p);
  return `${x.declaration}${p.residual ? residual.declaration : ''}${y.declaration}`;
}

/** What is applied to sums, and where maps lie, for labels of kernels. */
export function conv2dParts({ bias, residual, relu, maps = {} }: Conv2dParameters): string[] {
  return [...(bias ? ['bias'] : []), ...(residual ? ['residual'] : []), ...(relu ? ['relu'] : []), ...mapParts({ ...maps })];
}

/** A window, for labels of kernels. */
export function windowLabel(kernelSize: number, stride: number): string {
  return `${kernelSize}x${kernelSize}${stride > 1 ? `/${stride}` : ''}`;
}

/** `value`: the sums `products` of channels `lane` of `encoder`, for place `at` of y, scaled, with bias and residual. */
export function conv2dValue(p: Conv2dParameters, scaled: boolean): string {
  const { bias, residual } = p;
  return wgsl`  var value = products;
  #if ${scaled}
  let scale = (encoder * shape.encoder_blocks * BLOCK_LANES + lane) * 4u;
  value *= vec4f(weight_scale[scale], weight_scale[scale + 1u], weight_scale[scale + 2u], weight_scale[scale + 3u]);
  #endif
  #if ${bias}
  value += bias[encoder * shape.out_planes + lane];
  #endif
  #if ${residual}
  value += ${conv2dMaps(p).residual.load('at')};
  #endif`;
}

/** Declares `finish`, which stores the sums of channels `lane` at place `at` of y. */
export function finishAt(p: Conv2dParameters, scaled: boolean): string {
  return wgsl`fn finish(at: u32, lane: u32, encoder: u32, products: vec4f) {
${conv2dValue(p, scaled)}
  ${conv2dMaps(p).y.store('at', p.relu ? reluOf('value') : 'value')}
}`;
}

/** Extensions that a text opens with. */
export function enabled(format: WeightFormat, subgroups: boolean): string {
  return [...(subgroups ? ['enable subgroups;'] : []), ...(format.enable === '' ? [] : [format.enable])].join('\n');
}
