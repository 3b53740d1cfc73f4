import type { ResidualBlockShape } from '../../networks/unet/residual-block.js';
import { residualBlockShapes } from '../../networks/unet/unet.js';
import { recordAddRows } from '../../ops/backward/pointwise.js';
import { LINEAR, type TrainedGeometry } from '../../ops/backward/rows-product.js';
import type { TrainedFilm } from '../../ops/backward/trained-norm.js';
import { newRows, probeRows, type Rows, rowChannels } from '../../runtime/rows.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';
import { type ConditioningTape, recordConditioning, recordConditioningBackward } from './conditioning.js';
import { type ConvBlockTape, recordConvBlock, recordConvBlockBackward } from './conv-block.js';
import { blockDropout, type UnetDropout } from './dropout.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from './layers.js';
import { filmOffsets } from './parameters.js';
import { type ResidualBlockTape, recordBlock, recordBlockBackward } from './residual-block.js';

/** Strided layers between levels: kernel 3 on the way down, kernel 4 on the way up. */
const DOWN: TrainedGeometry = { stride: 2, padding: 1, transposed: false };
const UP: TrainedGeometry = { stride: 2, padding: 1, transposed: true };

/** Two residual blocks and what follows them. */
interface LevelTape {
  readonly name: string;
  readonly blocks: readonly [ResidualBlockTape, ResidualBlockTape];
  /** What the last block made, and what the strided layer made of it. */
  readonly y: Rows;
  readonly next: Rows | undefined;
}

/** What the backward pass of a U-Net's blocks needs of their forward pass. */
export interface BlocksTape {
  readonly shape: UnetShape;
  readonly down: readonly LevelTape[];
  readonly middle: LevelTape;
  readonly up: readonly LevelTape[];
  /** By level, from 1 on: [output of below | skip]. */
  readonly joined: readonly (Rows | undefined)[];
  readonly final: ConvBlockTape;
  readonly normalized: Rows;
  readonly output: Rows;
}

/** What the backward pass of the U-Net needs of its forward pass. */
export interface UnetTape extends BlocksTape {
  readonly conditioning: ConditioningTape;
}

export interface UnetInputs {
  /** [b][horizon][actionDim]. */
  readonly sample: Rows;
  /** [b][levels][width]: of one level or two, or of all rows' levels side by side. */
  readonly sinusoids: Rows;
  /** [b][1][conditioningDim]. */
  readonly conditioning: Rows;
  /** Default: nothing is dropped. */
  readonly dropout?: UnetDropout | undefined;
}

/**
 * Records the U-Net's forward pass for training. Beside the tapes of its blocks it keeps what strided layers and the last one read;
 * skips are written where the level above reads them.
 */
export function recordUnetForward(recorder: PassRecorder, shape: UnetShape, inputs: UnetInputs): UnetTape {
  const conditioning = recordConditioning(recorder, shape, inputs.sinusoids, inputs.conditioning);
  const { offsets } = filmOffsets(shape);
  const film = (name: string): TrainedFilm => ({
    kind: shape.scaleModulation ? 'scale-bias' : 'bias',
    rows: conditioning.film,
    gradients: conditioning.dfilm,
    offset: offsets.get(name) as number,
  });
  return { ...recordBlocksForward(recorder, shape, film, inputs.sample, inputs.dropout), conditioning };
}

/** Records the forward pass of a U-Net's blocks over a sample; `film`: where a residual block finds its values, by its name. */
export function recordBlocksForward(
  recorder: PassRecorder,
  shape: UnetShape,
  film: (name: string) => TrainedFilm,
  sample: Rows,
  dropout?: UnetDropout,
): BlocksTape {
  const { builder } = recorder;
  const { downDims } = shape;
  const last = downDims.length - 1;
  const { batch } = sample;
  const width = (level: number): number => downDims[level] as number;
  const shapes = new Map(residualBlockShapes(shape).map((block) => [block.name, block]));
  const fresh = (label: string, channels: number, length: number): Rows => newRows(builder, label, batch, length, channels);
  const pair = (name: string, x: Rows, y: Rows): LevelTape['blocks'] => {
    const block = (index: number, input: Rows, output: Rows): ResidualBlockTape => {
      const own = shapes.get(`${name}.${index}`) as ResidualBlockShape;
      return recordBlock(recorder, own, film(own.name), input, output, blockDropout(dropout, own.name));
    };
    const inner = fresh(`${name}.0`, y.channels, y.length);
    return [block(0, x, inner), block(1, inner, y)];
  };

  const joined: (Rows | undefined)[] = [];
  const down: LevelTape[] = [];
  let x = sample;
  for (let level = 0; level <= last; level++) {
    const name = `down_modules.${level}`;
    const channels = width(level);
    joined[level] = level === 0 ? undefined : fresh(`${name} with skip`, 2 * channels, x.length);
    const both = joined[level];
    const y = both ? rowChannels(both, channels, channels) : fresh(`${name}.1`, channels, x.length);
    const blocks = pair(name, x, y);
    let next: Rows | undefined;
    if (level < last) {
      next = fresh(`${name}.2`, channels, Math.floor((x.length - 1) / 2) + 1);
      recordLayer(recorder, `${name}.2`, DOWN, y, next);
    }
    // On the last level this module is the identity.
    probeRows(builder, `activation.${name}.2`, next ?? y);
    down.push({ name, blocks, y, next });
    x = next ?? y;
  }

  const below = (level: number, length: number): Rows => {
    const both = joined[level];
    return both ? rowChannels(both, 0, width(level)) : fresh(`output of level ${level}`, width(level), length);
  };
  const deepest = below(last, x.length);
  const middle: LevelTape = { name: 'mid_modules', blocks: pair('mid_modules', x, deepest), y: deepest, next: undefined };
  x = deepest;

  const up: LevelTape[] = [];
  for (let level = last; level > 0; level--) {
    const name = `up_modules.${last - level}`;
    const y = fresh(`${name}.1`, width(level - 1), x.length);
    const blocks = pair(name, joined[level] as Rows, y);
    const next = below(level - 1, 2 * x.length);
    recordLayer(recorder, `${name}.2`, UP, y, next);
    probeRows(builder, `activation.${name}.2`, next);
    up.push({ name, blocks, y, next });
    x = next;
  }

  const normalized = fresh('final_conv.0', width(0), x.length);
  const { kernelSize } = shape;
  const final = recordConvBlock(recorder, { key: 'final_conv.0', kernelSize, groups: FINAL_GROUPS, x, y: normalized });
  const output = fresh('output', shape.actionDim, x.length);
  recordLayer(recorder, 'final_conv.1', LINEAR, normalized, output);
  probeRows(builder, 'activation.final_conv', output);
  return { shape, down, middle, up, joined, final, normalized, output };
}

/** Gradients of what went into the network. */
export interface UnetInputGradients {
  /** [b][1][conditioningDim]: the sum over all blocks; an image encoder trains through it. */
  readonly conditioning: Rows;
  /** Of the sample, where it was asked for: scratch, given back by whoever read it. */
  readonly sample: Rows | undefined;
}

/** Records the U-Net's backward pass from the gradient of its output; `sample`: whether something learns from the gradient of the sample. */
export function recordUnetBackward(recorder: PassRecorder, tape: UnetTape, doutput: Rows, { sample = false } = {}): UnetInputGradients {
  const dsample = recordBlocksBackward(recorder, tape, doutput, sample);
  return { conditioning: recordConditioningBackward(recorder, tape.conditioning), sample: dsample };
}

/** Records the way back through a frozen U-Net: the gradient of its sample, scratch. */
export function recordFrozenBackward(recorder: PassRecorder, tape: UnetTape, doutput: Rows): Rows {
  return recordBlocksBackward(recorder, tape, doutput, true) as Rows;
}

/** Records the backward pass of a U-Net's blocks, which leave the gradients of FiLM where their film said; returns that of the sample, scratch. */
export function recordBlocksBackward(recorder: PassRecorder, tape: BlocksTape, doutput: Rows, wantsSample: boolean): Rows | undefined {
  const { builder, scratch } = recorder;
  const last = tape.down.length - 1;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  probeRows(builder, 'grad_activation.final_conv', doutput);
  recordLayerGradients(recorder, 'final_conv.1', LINEAR, tape.normalized, doutput);
  const dnormalized = like(tape.normalized);
  recordLayerInput(recorder, 'final_conv.1', { geometry: LINEAR, x: doutput, y: dnormalized });
  let dy = like(tape.final.x);
  recordConvBlockBackward(recorder, tape.final, dnormalized, dy);
  scratch.giveBack(dnormalized);

  // By level: the gradient of [output of below | skip].
  const djoined: (Rows | undefined)[] = [];
  for (const [index, { name, blocks, y }] of [...tape.up].reverse().entries()) {
    const level = index + 1;
    probeRows(builder, `grad_activation.${name}.2`, dy);
    recordLayerGradients(recorder, `${name}.2`, UP, y, dy);
    const dlast = like(y);
    recordLayerInput(recorder, `${name}.2`, { geometry: UP, x: dy, y: dlast });
    const dboth = like(tape.joined[level] as Rows);
    recordPairBackward(recorder, blocks, dlast, dboth);
    scratch.giveBack(dlast);
    if (level === 1) scratch.giveBack(dy);
    djoined[level] = dboth;
    dy = rowChannels(dboth, 0, tape.shape.downDims[level] as number);
  }

  const dmiddle = like(tape.middle.blocks[0].x);
  recordPairBackward(recorder, tape.middle.blocks, dy, dmiddle);
  if (last === 0) scratch.giveBack(dy);
  dy = dmiddle;
  for (let level = last; level >= 0; level--) {
    const { name, blocks, y, next } = tape.down[level] as LevelTape;
    const both = djoined[level];
    const skip = both ? rowChannels(both, y.channels, y.channels) : undefined;
    probeRows(builder, `grad_activation.${name}.2`, dy);
    let dlast = dy;
    if (next) {
      recordLayerGradients(recorder, `${name}.2`, DOWN, y, dy);
      dlast = like(y);
      recordLayerInput(recorder, `${name}.2`, { geometry: DOWN, x: dy, y: dlast, addend: skip });
      scratch.giveBack(dy);
    } else if (skip) {
      dlast = like(y);
      recordAddRows(builder, dy, skip, dlast);
      scratch.giveBack(dy);
    }
    if (both) scratch.giveBack(both);
    const { x } = blocks[0];
    // As a rule, nothing learns from the gradient of the noisy sample.
    const dx = level > 0 || wantsSample || builder.wantsProbe('grad_noisy') ? like(x) : undefined;
    recordPairBackward(recorder, blocks, dlast, dx);
    scratch.giveBack(dlast);
    if (dx) dy = dx;
    if (dx && level === 0) {
      probeRows(builder, 'grad_noisy', dx);
      if (wantsSample) return dx;
      scratch.giveBack(dx);
    }
  }
  return undefined;
}

function recordPairBackward(recorder: PassRecorder, [first, second]: LevelTape['blocks'], dy: Rows, dx: Rows | undefined): void {
  const { scratch } = recorder;
  const dinner = scratch.take(second.x.batch, second.x.length, second.x.channels);
  recordBlockBackward(recorder, second, dy, dinner);
  recordBlockBackward(recorder, first, dinner, dx);
  scratch.giveBack(dinner);
}
