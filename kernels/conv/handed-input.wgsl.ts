import { activate } from '../lib/activations.wgsl.js';
import { unroll } from '../lib/wgsl.js';
import { type ConvInput, type ConvInputParameters, type DirectVector, inputParts } from './conv-input.wgsl.js';

/**
 * Every invocation of a subgroup loads another part of a turn's input and hands it round. All of them need the same, and a software driver
 * pays for a load once per invocation, whether or not they load the same.
 */
export interface HandedInput {
  /** Invocations of a subgroup: a workgroup is made of whole ones. */
  readonly subgroup: number;
  /** Input channels of a turn of the loop, whole groups of them: the more there are, the fewer members load what others load too. */
  readonly channels: number;
}

export interface HandedInputParameters extends Omit<ConvInputParameters, 'vector' | 'channels'>, HandedInput {
  readonly vector: DirectVector;
}

/**
 * As convInput, for text with `member`, the subgroup's invocation, in uniform control flow.
 *
 * A part is a value, or four columns of a channel, or four channels of a column. Those of a turn are numbered, along the window first and then
 * along the channels; number i is loaded by member i mod subgroup, as slot ⌊i / subgroup⌋ of it.
 */
export function handedInput(p: HandedInputParameters): ConvInput {
  const { single, start, windows, ...common } = inputParts(p);
  const columnsEach = p.vector === 'time' ? 4 : 1;
  const channelsEach = p.vector === 'channel' ? 4 : 1;
  // A window of vectors begins at a multiple of four columns before its first position.
  const before = ((start % columnsEach) + columnsEach) % columnsEach;
  const partOf = (window: number): number => Math.floor((window + before) / columnsEach);
  // Padding alone: no tap meets an input, and no value is asked for.
  if (windows.length === 0) return { ...common, prepare: '', load: '', value: () => '0.0f' };
  const first = partOf(windows[0] ?? 0);
  const length = partOf(windows.at(-1) ?? 0) - first + 1;
  const count = (p.channels / channelsEach) * length;
  const slots = Math.ceil(count / p.subgroup);
  /** Place of the first part along the input, in parts. */
  const origin = (start - before) / columnsEach + first;
  const [zero, components] = p.vector === 'scalar' ? (['0.0f', 1] as const) : (['vec4f()', 4] as const);

  const prepare = (slot: number): string => {
    const own = `member + ${slot * p.subgroup}u`;
    // Members past the last part load it again.
    const part = `  let part${slot} = ${(slot + 1) * p.subgroup <= count ? own : `min(${own}, ${count - 1}u)`};\n`;
    if (single) return `${part}  let place${slot} = part${slot} % ${length}u + ${origin}u;`;
    const parts = p.geometry.inLength / columnsEach;
    // With robustness off, a load that is thrown away must still be in bounds.
    const tileStart =
      columnsEach === 1 ? `${p.map.windowStartText} + ${first}` : `(${p.map.windowStartText} - (${start})) / ${columnsEach} + ${origin}`;
    return `${part}  let position${slot} = ${tileStart} + i32(part${slot} % ${length}u);
  let place${slot} = u32(clamp(position${slot}, 0, ${parts - 1}));
  let inside${slot} = u32(position${slot}) < ${parts}u;`;
  };
  const load = (slot: number): string => {
    const channel = `n * ${p.channels}u + ${times(`part${slot} / ${length}u`, channelsEach)}`;
    const clamped = p.ragged ? `min(${channel}, shape.in_channels - 1u)` : channel;
    const index = `first_value + (${clamped}) * shape.x_channel + ${times(`place${slot}`, columnsEach)} * shape.x_time`;
    const value = activate(p.activation, `x[${components === 4 ? `(${index}) / 4u` : index}]`, components);
    return `    let slot${slot} = ${single ? value : `select(${zero}, ${value}, inside${slot})`};`;
  };
  return {
    ...common,
    prepare: unroll(slots, prepare),
    load: unroll(slots, load),
    value: (channel, window) => {
      const part = Math.floor(channel / channelsEach) * length + partOf(window) - first;
      const component = p.vector === 'time' ? (window + before) % 4 : channel % 4;
      const slot = `slot${Math.floor(part / p.subgroup)}${components === 4 ? `[${component}]` : ''}`;
      return `subgroupBroadcast(${slot}, ${part % p.subgroup}u)`;
    },
  };
}

function times(text: string, factor: number): string {
  return factor === 1 ? text : `${text} * ${factor}u`;
}
