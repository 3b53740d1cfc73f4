/** How a kernel uses a binding. `dynamic` bindings get their offset when a plan is replayed, per denoising step. */
export interface KernelBinding {
  readonly name: string;
  readonly access: 'read' | 'read_write' | 'uniform' | 'texture' | 'texture_write';
  /** WGSL type of the variable, e.g. `array<f32>`. */
  readonly type: string;
  readonly dynamic?: boolean;
}

/** One specialisation of a kernel: complete WGSL text with entry point `main`, and its bindings in order (group 0). */
export interface Kernel {
  /** Kernel name and shape in the vocabulary of the code, for profiles and error messages. */
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly KernelBinding[];
}

/** Type of the bindings whose access is `texture`: words in fours, read alone. */
export const WORDS_TEXTURE = 'texture_storage_2d<rgba32uint, read>';
/** The same of `texture_write`: written alone. */
export const WRITTEN_WORDS_TEXTURE = 'texture_storage_2d<rgba32uint, write>';

/** Texels in a row of such a texture: texel i is at (i mod width, ⌊i / width⌋). The largest width that every device grants. */
export const TEXTURE_WIDTH = 8192;

/** Where texel `index` (a name) of such a texture is: an expression of type vec2u. */
export function texelAt(index: string): string {
  return `vec2u(${index} % ${TEXTURE_WIDTH}u, ${index} / ${TEXTURE_WIDTH}u)`;
}

/** Bytes of an activation that is bound as a uniform: the size that every device grants. */
export const UNIFORM_INPUT_BYTES = 65_536;

/** Declarations of the bindings, so that the text of a kernel and its bind group layout cannot disagree. */
export function declareBindings(bindings: readonly KernelBinding[]): string {
  return bindings
    .map(({ name, access, type }, index) => {
      const space = { read: '<storage, read>', read_write: '<storage, read_write>', uniform: '<uniform>', texture: '', texture_write: '' }[
        access
      ];
      return `@group(0) @binding(${index}) var${space} ${name}: ${type};`;
    })
    .join('\n');
}

/**
 * Where an activation of shape batch × channels × length lies in a buffer of f32, in elements:
 * value [b, c, t] is at offset + b·batchStride + c·channelStride + t·timeStride.
 * Channels first (convolutions) has timeStride 1, tokens (linear, attention) have channelStride 1.
 */
export interface ActivationLayout {
  readonly offset: number;
  /** 0 broadcasts one sample to the whole batch. */
  readonly batchStride: number;
  readonly channelStride: number;
  readonly timeStride: number;
}

/**
 * Sizes and layouts reach a kernel as a uniform `shape` of u32, not as constants in its text: a network has many shapes
 * and a driver takes up to seconds to compile one text, so layers share pipelines. What unrolls a loop stays in the text.
 */
export const SHAPE_BINDING: KernelBinding = { name: 'shape', access: 'uniform', type: 'Shape' };

/** Declaration of the `Shape` struct: these sizes, then offset and strides of each layout. */
export function declareShape(sizes: readonly string[], layouts: readonly string[] = []): string {
  const fields = [...sizes, ...layouts.flatMap((name) => LAYOUT_FIELDS.map((field) => `${name}_${field}`))];
  return `struct Shape {\n${fields.map((field) => `  ${field}: u32,`).join('\n')}\n}`;
}

/** The words of the uniform, in the order of `declareShape`. */
export function shapeWords(sizes: readonly number[], layouts: readonly ActivationLayout[] = []): number[] {
  return [...sizes, ...layouts.flatMap((layout) => [layout.offset, layout.batchStride, layout.channelStride, layout.timeStride])];
}

const LAYOUT_FIELDS = ['offset', 'batch', 'channel', 'time'] as const;

/** Index expression of [batch, channel, time] in the layout `name` of the shape. */
export function at(name: string, batch: string, channel: string, time: string): string {
  return `shape.${name}_offset + ${batch} * shape.${name}_batch + ${channel} * shape.${name}_channel + ${time} * shape.${name}_time`;
}
