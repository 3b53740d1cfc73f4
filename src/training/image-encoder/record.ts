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
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { recordUnit, recordUnitGradient, type UnitTape } from './unit.js';

interface BlockTape {
  readonly conv1: UnitTape;
  readonly downsample: UnitTape | undefined;
  readonly conv2: UnitTape;
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
  recorder: PassRecorder,
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
      const tape = recordBasicBlock(recorder, prefix, block, map);
      map = tape.conv2.y;
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
export function recordImageEncoderBackward(recorder: PassRecorder, tape: ImageEncoderTape, dfeatures: Rows): void {
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
      const dx = like(block.conv1.x.rows);
      recordBasicBlockGradient(recorder, block, dy, dx);
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

/** Records y = relu(norm(conv2(relu(norm(conv1(x))))) + shortcut(x)). */
function recordBasicBlock(recorder: PassRecorder, prefix: string, shape: BlockShape, x: Maps): BlockTape {
  const conv1 = recordUnit(recorder, prefix, shape.conv1, x, { relu: true });
  const downsample = shape.downsample && recordUnit(recorder, prefix, shape.downsample, x, { relu: false });
  const residual = (downsample?.y ?? x).rows;
  return { conv1, downsample, conv2: recordUnit(recorder, prefix, shape.conv2, conv1.y, { relu: true, residual }) };
}

function recordBasicBlockGradient(recorder: PassRecorder, { conv1, downsample, conv2 }: BlockTape, dy: Rows, dx: Rows): void {
  const { scratch } = recorder;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  const [dinner, dshortcut] = [like(conv1.y.rows), like(dy)];
  recordUnitGradient(recorder, conv2, dy, { dx: dinner, dresidual: dshortcut });
  if (downsample) {
    const through = like(dx);
    recordUnitGradient(recorder, downsample, dshortcut, { dx: through });
    recordUnitGradient(recorder, conv1, dinner, { dx, addend: through });
    scratch.giveBack(through);
  } else {
    recordUnitGradient(recorder, conv1, dinner, { dx, addend: dshortcut });
  }
  scratch.giveBack(dinner);
  scratch.giveBack(dshortcut);
}
