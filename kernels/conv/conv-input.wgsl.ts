import { type Activation, activate } from '../lib/activations.wgsl.js';
import { type KernelBinding, UNIFORM_INPUT_BYTES } from '../lib/kernel.js';
import { unroll } from '../lib/wgsl.js';
import type { ConvGeometry, TapMap } from './taps.js';

/**
 * How an invocation loads the input of a convolution.
 * - `scalar`: value by value; any layout.
 * - `time`: four columns of a channel at once; columns side by side, and their number a multiple of 4.
 * - `channel`: four channels of a column at once; linear layers over tokens, channels side by side, a multiple of 4.
 */
export type DirectVector = 'scalar' | 'time' | 'channel';

/**
 * `uniform` binds the first 64 KiB of the buffer as a uniform. A software driver that fetches words of a storage buffer
 * one by one, each with a bounds check and a branch of its own, takes them from a uniform without.
 */
export type InputSpace = 'storage' | 'uniform';

/** `staged` finds the channels of the workgroup in workgroup memory (conv-stage.wgsl.ts), four columns at once. */
export type InputVector = DirectVector | 'staged';

export interface ConvInputParameters {
  readonly vector: InputVector;
  readonly space: InputSpace;
  readonly geometry: ConvGeometry;
  readonly map: TapMap;
  /** Output columns of a tile. */
  readonly columns: number;
  /** Input channels of a group. */
  readonly channels: number;
  /** Whether the last group has channels past the last one. Their weights are zeros; their input must be in bounds. */
  readonly ragged: boolean;
  readonly activation: Activation;
}

export interface ConvInput {
  readonly binding: KernelBinding;
  /** Before the loop over groups. */
  readonly prepare: string;
  /** Loads the window of all channels of group `n`. */
  readonly load: string;
  /** The input of a channel of the group at a position of the window: an expression of type f32. */
  readonly value: (channel: number, window: number) => string;
  /** Whether a position of the window is inside the input for some tile: others need no load and no product. */
  readonly inside: (window: number) => boolean;
}

/** The pieces of a convolution's text that load its input. Columns outside the input count as 0. */
export function convInput(p: ConvInputParameters): ConvInput {
  const { single, start, windows, ...parts } = inputParts(p);
  const { inside } = parts;
  const common = { ...parts, prepare: single ? '' : `  let start = ${p.map.windowStartText};` };
  switch (p.vector) {
    case 'scalar':
      return { ...common, load: loadScalars(p, single, start, inside), value: (channel, window) => `x${channel}_${window}` };
    case 'time':
    case 'staged':
      return { ...common, ...loadColumns(p, single, start, windows) };
    case 'channel':
      return { ...common, load: loadChannels(p, single), value: (channel, window) => `x_${window}[${channel}]` };
  }
}

/** What all ways of loading have in common. */
export interface InputParts extends Pick<ConvInput, 'binding' | 'inside'> {
  /** Whether one tile is all of the output: every input column is then known here; otherwise it depends on the workgroup. */
  readonly single: boolean;
  /** Input column at position 0 of the first tile's window. */
  readonly start: number;
  /** Positions of a window that may be inside. */
  readonly windows: readonly number[];
}

export function inputParts(p: Pick<ConvInputParameters, 'vector' | 'space' | 'geometry' | 'map' | 'columns'>): InputParts {
  const { inLength, outLength } = p.geometry;
  const single = p.columns >= outLength;
  const start = p.map.windowStart(0);
  const uniform = p.space === 'uniform';
  const inside = (window: number): boolean => !single || (start + window >= 0 && start + window < inLength);
  const element = p.vector === 'scalar' ? 'f32' : 'vec4f';
  const size = p.vector === 'scalar' ? 4 : 16;
  return {
    single,
    start,
    binding: {
      name: 'x',
      access: uniform ? 'uniform' : 'read',
      type: uniform ? `array<${element}, ${UNIFORM_INPUT_BYTES / size}>` : `array<${element}>`,
    },
    inside,
    windows: Array.from({ length: p.map.windowLength }, (_, window) => window).filter(inside),
  };
}

/** First element of a channel's row, or first vector of a staged one, as `row<channel>`. */
function rows(p: ConvInputParameters): string {
  return unroll(p.channels, (channel) => {
    const index = p.channels === 1 ? 'n' : `n * ${p.channels}u + ${channel}u`;
    if (p.vector === 'staged') return `    let row${channel} = (${index} - first_channel) * ${p.geometry.inLength / 4}u;`;
    const clamped = p.ragged ? `min(${index}, shape.in_channels - 1u)` : index;
    return `    let row${channel} = first_value + (${clamped}) * shape.x_channel;`;
  });
}

/**
 * The index is clamped as well as the value: with robustness off, a load that is thrown away must still be in bounds. One
 * unsigned comparison sees both ends; `&&` would be a branch per column, which software drivers take minutes to compile.
 */
function inBounds(value: (index: string) => string, zero: string, index: string, length: number): string {
  return `select(${zero}, ${value(`u32(clamp(${index}, 0, ${length - 1}))`)}, u32(${index}) < ${length}u)`;
}

function loadScalars(p: ConvInputParameters, single: boolean, start: number, inside: (window: number) => boolean): string {
  const window = (channel: number): string =>
    unroll(p.map.windowLength, (w) => {
      if (!inside(w)) return '';
      const value = (q: string): string => activate(p.activation, `x[row${channel} + ${q} * shape.x_time]`);
      const loaded = single ? value(`${start + w}u`) : inBounds(value, '0.0f', `start + ${w}`, p.geometry.inLength);
      return `    let x${channel}_${w} = ${loaded};`;
    });
  return `${rows(p)}\n${unroll(p.channels, window)}`;
}

/** The window begins at a multiple of 4 columns before its first position. */
function loadColumns(
  p: ConvInputParameters,
  single: boolean,
  start: number,
  windows: readonly number[],
): Pick<ConvInput, 'load' | 'value'> {
  const before = ((start % 4) + 4) % 4;
  const first = (start - before) / 4;
  const length = p.geometry.inLength / 4;
  const vectors = [...new Set(windows.map((w) => Math.floor((w + before) / 4)))];
  const load = (channel: number): string =>
    vectors
      .map((v) => {
        const value = (q: string): string =>
          p.vector === 'staged' ? `shared_values[row${channel} + ${q}]` : activate(p.activation, `x[row${channel} / 4u + ${q}]`, 4);
        const index = `(start - ${start}) / 4 + ${first + v}`;
        return `    let x${channel}_${v} = ${single ? value(`${first + v}u`) : inBounds(value, 'vec4f()', index, length)};`;
      })
      .join('\n');
  return {
    load: `${rows(p)}\n${unroll(p.channels, load)}`,
    value: (channel, window) => `x${channel}_${Math.floor((window + before) / 4)}[${(window + before) % 4}]`,
  };
}

/** Columns past the last one are thrown away with their sums; they only have to be in bounds. */
function loadChannels(p: ConvInputParameters, single: boolean): string {
  return unroll(p.map.windowLength, (w) => {
    const column = single ? `${w}u` : `min(u32(start) + ${w}u, ${p.geometry.inLength - 1}u)`;
    if (single && w >= p.geometry.inLength) return '';
    return `    let x_${w} = ${activate(p.activation, `x[(first_value + ${column} * shape.x_time) / 4u + n]`, 4)};`;
  });
}
