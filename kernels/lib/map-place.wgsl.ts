import { type KernelBinding, texelAt, WORDS_TEXTURE, WRITTEN_WORDS_TEXTURE } from './kernel.js';
import { wgsl } from './wgsl.js';

/**
 * What holds a feature map: a storage buffer, or a storage texture (rgba32uint, a vec4f per texel by its bits). lavapipe loads a texel of every
 * invocation at once and words of a buffer one by one; a store costs it a little more.
 */
export type MapPlace = 'buffer' | 'texture';

/** A feature map that a kernel reads. With a buffer its text is that of an array. */
export interface ReadMap {
  readonly binding: KernelBinding;
  /** Declares what `load` calls; begins with an end of line, or is empty. */
  readonly declaration: string;
  /** Element `index`: an expression of type vec4f. */
  readonly load: (index: string) => string;
}

/** A feature map that a kernel writes, every element by one invocation. With a buffer its text is that of an array. */
export interface WrittenMap {
  readonly binding: KernelBinding;
  /** Declares what `store` calls; begins with an end of line, or is empty. */
  readonly declaration: string;
  /** Stores an expression of type vec4f as element `index`: a statement. */
  readonly store: (index: string, value: string) => string;
}

export function readMap(name: string, place: MapPlace = 'buffer'): ReadMap {
  if (place === 'buffer') {
    return { binding: { name, access: 'read', type: 'array<vec4f>' }, declaration: '', load: (index) => `${name}[${index}]` };
  }
  return {
    binding: { name, access: 'texture', type: WORDS_TEXTURE },
    declaration: wgsl`

fn load_${name}(index: u32) -> vec4f {
  return bitcast<vec4f>(textureLoad(${name}, ${texelAt('index')}));
}`,
    load: (index) => `load_${name}(${index})`,
  };
}

export function writtenMap(name: string, place: MapPlace = 'buffer'): WrittenMap {
  if (place === 'buffer') {
    return {
      binding: { name, access: 'read_write', type: 'array<vec4f>' },
      declaration: '',
      store: (index, value) => `${name}[${index}] = ${value};`,
    };
  }
  return {
    binding: { name, access: 'texture_write', type: WRITTEN_WORDS_TEXTURE },
    declaration: wgsl`

fn store_${name}(index: u32, value: vec4f) {
  textureStore(${name}, ${texelAt('index')}, bitcast<vec4u>(value));
}`,
    store: (index, value) => `store_${name}(${index}, ${value});`,
  };
}

/** The maps that lie in textures, for labels of kernels; nothing where none does. */
export function mapParts(places: Readonly<Record<string, MapPlace | undefined>>): string[] {
  const names = Object.keys(places).filter((name) => places[name] === 'texture');
  return names.length === 0 ? [] : [`${names.join(' ')} in texture`];
}
