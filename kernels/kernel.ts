/** How a kernel uses a binding. `dynamic` bindings get their offset when a plan is replayed, per denoising step. */
export interface KernelBinding {
  readonly name: string;
  readonly access: 'read' | 'read_write' | 'uniform';
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

/** Declarations of the bindings, so that the text of a kernel and its bind group layout cannot disagree. */
export function declareBindings(bindings: readonly KernelBinding[]): string {
  return bindings
    .map(({ name, access, type }, index) => {
      const space = access === 'uniform' ? 'uniform' : `storage, ${access}`;
      return `@group(0) @binding(${index}) var<${space}> ${name}: ${type};`;
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

/** Index expression of [batch, channel, time] in a layout. */
export function at(layout: ActivationLayout, batch: string, channel: string, time: string): string {
  const terms = [
    term(batch, layout.batchStride),
    term(channel, layout.channelStride),
    term(time, layout.timeStride),
    layout.offset > 0 ? `${layout.offset}u` : '',
  ].filter((text) => text !== '');
  return terms.length > 0 ? terms.join(' + ') : '0u';
}

function term(index: string, stride: number): string {
  if (stride === 0 || index === '0u') return '';
  return stride === 1 ? index : `${index} * ${stride}u`;
}
