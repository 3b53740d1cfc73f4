import { type BlockShape, encoderFeatures, encoderStages, encoderStem } from '../../networks/image-encoder/shape.js';
import {
  type KeypointsTape,
  type MaxPoolTape,
  recordKeypointsBackward,
  recordKeypointsForward,
  recordMaxPoolBackward,
  recordMaxPoolForward,
  recordReluBackward,
  recordReluForward,
} from '../../ops/backward/map-layers.js';
import { type Maps, newMaps } from '../../ops/backward/maps.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { poolOutput } from '../../ops/feature-maps.js';
import type { Binding } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { ImageEncoderShape } from '../../spec/network-shapes.js';
import { recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { type EncoderRecorder, recordUnit, recordUnitGradient, type UnitTape } from './unit.js';

interface BlockTape {
  /** Convolutions one behind the other; the last one adds the shortcut. */
  readonly units: readonly UnitTape[];
  readonly downsample: UnitTape | undefined;
  readonly x: Maps;
  readonly y: Maps;
}

interface StageTape {
  readonly name: string;
  readonly blocks: readonly BlockTape[];
}

/**
 * Kept of an encoder: of every convolution what went in, what came out, the statistics of its norm and what the norm made; which elements
 * the pool chose; probabilities of the keypoints. Nothing is computed again but x̂.
 */
export interface ImageEncoderTape {
  readonly prefix: string;
  readonly stem: UnitTape;
  readonly pool: MaxPoolTape;
  readonly stages: readonly StageTape[];
  readonly last: Maps;
  readonly keypoints: KeypointsTape;
  readonly points: Rows;
  readonly features: Rows;
}

/**
 * Records features [b][1][2 · keypoints] = relu(out(keypoints(backbone(x)))) of prepared pictures. Probes by the names of the reference's
 * modules behind `activation.` and `grad_activation.`.
 */
export function recordImageEncoderForward(
  recorder: EncoderRecorder,
  shape: ImageEncoderShape,
  prefix: string,
  x: Maps,
  grid: Binding,
): ImageEncoderTape {
  const { builder } = recorder;
  const { batch } = x.rows;
  const probe = (name: string, rows: Rows): void => probeRows(builder, `activation.${prefix}${name}`, rows);
  const stem = recordUnit(recorder, prefix, encoderStem(shape), x, { relu: true });
  const pooled = newMaps(builder, `${prefix}pooled`, {
    batch,
    channels: stem.y.rows.channels,
    height: poolOutput(stem.y.height),
    width: poolOutput(stem.y.width),
  });
  const pool = recordMaxPoolForward(builder, `${prefix}pool`, stem.y, pooled);
  probe('backbone.3', pooled.rows);
  let map = pooled;
  const stages = encoderStages(shape).map(({ name, blocks }): StageTape => {
    const tapes = blocks.map((block) => {
      const tape = recordBlock(recorder, prefix, block, map);
      map = tape.y;
      return tape;
    });
    probe(name, map.rows);
    return { name, blocks: tapes };
  });
  const nets = newRows(builder, `${prefix}keypoint maps`, batch, map.rows.length, shape.keypoints);
  recordLayer(recorder, `${prefix}pool.nets`, LINEAR, map.rows, nets);
  probe('pool.nets', nets);
  const width = encoderFeatures(shape);
  const row = (label: string): Rows => newRows(builder, prefix + label, batch, 1, width);
  const points = row('keypoints');
  const keypoints = recordKeypointsForward(builder, `${prefix}keypoints`, nets, grid, points);
  probe('pool', points);
  const linear = row('features before ReLU');
  recordLayer(recorder, `${prefix}out`, LINEAR, points, linear);
  probe('out', linear);
  const features = row('features');
  recordReluForward(builder, linear, features);
  return { prefix, stem, pool, stages, last: map, keypoints, points, features };
}

/** Records the backward pass from the gradient of the features to those of all parameters. */
export function recordImageEncoderBackward(recorder: EncoderRecorder, tape: ImageEncoderTape, dfeatures: Rows): void {
  const { builder, scratch } = recorder;
  const { prefix, stem, pool, stages, last, keypoints, points, features } = tape;
  const probe = (name: string, rows: Rows): void => probeRows(builder, `grad_activation.${prefix}${name}`, rows);
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);

  const dlinear = like(features);
  recordReluBackward(builder, features, dfeatures, dlinear);
  probe('out', dlinear);
  recordLayerGradients(recorder, `${prefix}out`, LINEAR, points, dlinear);
  const dpoints = like(points);
  recordLayerInput(recorder, `${prefix}out`, { geometry: LINEAR, x: dlinear, y: dpoints });
  scratch.giveBack(dlinear);
  probe('pool', dpoints);
  const dnets = like(keypoints.x);
  recordKeypointsBackward(builder, keypoints, dpoints, dnets);
  scratch.giveBack(dpoints);
  probe('pool.nets', dnets);
  recordLayerGradients(recorder, `${prefix}pool.nets`, LINEAR, last.rows, dnets);
  let dy = like(last.rows);
  recordLayerInput(recorder, `${prefix}pool.nets`, { geometry: LINEAR, x: dnets, y: dy });
  scratch.giveBack(dnets);

  for (const { name, blocks } of [...stages].reverse()) {
    probe(name, dy);
    for (const block of [...blocks].reverse()) {
      const dx = like(block.x.rows);
      recordBlockGradient(recorder, block, dy, dx);
      scratch.giveBack(dy);
      dy = dx;
    }
  }
  probe('backbone.3', dy);
  const dstem = like(stem.y.rows);
  recordMaxPoolBackward(builder, pool, dy, dstem);
  scratch.giveBack(dy);
  // Nothing learns from the gradient of a picture.
  recordUnitGradient(recorder, stem, dstem, {});
  scratch.giveBack(dstem);
}

/** Records y = relu(norm(convN(… relu(norm(conv1(x))))) + shortcut(x)). */
function recordBlock(recorder: EncoderRecorder, prefix: string, { conv1, conv2, conv3, downsample }: BlockShape, x: Maps): BlockTape {
  const shortcut = downsample && recordUnit(recorder, prefix, downsample, x, { relu: false });
  const residual = (shortcut?.y ?? x).rows;
  const units: UnitTape[] = [];
  let y = x;
  const shapes = conv3 ? [conv1, conv2, conv3] : [conv1, conv2];
  shapes.forEach((shape, index) => {
    const isLast = index === shapes.length - 1;
    const unit = recordUnit(recorder, prefix, shape, y, { relu: true, ...(isLast ? { residual } : {}) });
    units.push(unit);
    y = unit.y;
  });
  return { units, downsample: shortcut, x, y };
}

function recordBlockGradient(recorder: EncoderRecorder, { units, downsample, x }: BlockTape, dy: Rows, dx: Rows): void {
  const { scratch } = recorder;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  const dshortcut = like(dy);
  let through = dshortcut;
  let dnext = dy;
  for (const [index, unit] of [...units.entries()].reverse()) {
    const isLast = index === units.length - 1;
    if (isLast && downsample) through = like(x.rows);
    const dinput = index > 0 ? like(unit.x.rows) : dx;
    const addend = index > 0 ? {} : { addend: through };
    recordUnitGradient(recorder, unit, dnext, { dx: dinput, ...addend, ...(isLast ? { dresidual: dshortcut } : {}) });
    if (isLast && downsample) recordUnitGradient(recorder, downsample, dshortcut, { dx: through });
    if (!isLast) scratch.giveBack(dnext);
    dnext = dinput;
  }
  scratch.giveBack(dshortcut);
  if (through !== dshortcut) scratch.giveBack(through);
}
