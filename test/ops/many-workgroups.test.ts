import { describe, expect, it } from 'vitest';
import { recordBatchNormBackward, recordBatchNormForward } from '../../src/ops/backward/batch-norm.js';
import { recordCombine } from '../../src/ops/backward/combine-rows.js';
import { recordLatentForward } from '../../src/ops/backward/latents.js';
import {
  recordKeypointsBackward,
  recordKeypointsForward,
  recordMapNormBackward,
  recordMapNormForward,
} from '../../src/ops/backward/map-layers.js';
import { recordMeanPlaces, recordMeanPlacesGradient } from '../../src/ops/backward/mean-places.js';
import { recordAddRows, recordMishBackward, recordMishForward, recordNoisySample } from '../../src/ops/backward/pointwise.js';
import { recordSpreadRows } from '../../src/ops/backward/spread-rows.js';
import { recordLayerNormBackward, recordLayerNormForward } from '../../src/ops/backward/trained-layer-norm.js';
import { recordNormBackward, recordNormForward } from '../../src/ops/backward/trained-norm.js';
import { recordVectorGradient } from '../../src/ops/backward/weight-gradient.js';
import { MAX_WORKGROUPS, PlanBuilder } from '../../src/runtime/plan-builder.js';
import { newRows, type Rows } from '../../src/runtime/rows.js';
import { tokens } from '../../src/runtime/tensor.js';

/** What is recorded on; nothing is allocated for it. */
interface Recorder {
  readonly builder: PlanBuilder;
  readonly rows: (batch: number, length: number, channels: number) => Rows;
}

function vectors({ builder }: Recorder, channels: number, count: number): Parameters<typeof recordVectorGradient>[1] {
  const buffer = builder.buffer('vectors', channels * count * 4);
  return { weight: { buffer }, gradient: { buffer }, channels, count };
}

/** The kernels that are dispatched in rows, of more work than workgroups side by side: one to a part on a GPU, or an invocation to an element. */
const CASES: Readonly<Record<string, readonly [labels: readonly string[], record: (to: Recorder) => void]>> = {
  'means of places': [
    ['mean_places 2', 'mean_places gradient'],
    ({ builder, rows }) => {
      const [x, y] = [rows(2 ** 17, 2, 128), rows(2 ** 17, 1, 128)];
      recordMeanPlaces(builder, x, y);
      recordMeanPlacesGradient(builder, x, y, rows(2 ** 17, 2, 128));
    },
  ],
  'norm of maps': [
    ['map_norm_forward, relu', 'map_norm_backward, relu'],
    (to) => {
      const [x, y, dy, dx] = [to.rows(2048, 4, 512), to.rows(2048, 4, 512), to.rows(2048, 4, 512), to.rows(2048, 4, 512)];
      const tape = recordMapNormForward(to.builder, 'norm', { x, affine: vectors(to, 512, 2), groupChannels: 16, relu: true, y });
      recordMapNormBackward(to.builder, tape, { dy, dx, sums: to.rows(2048, 1, 1024), step: to.builder.buffer('step', 256) });
    },
  ],
  'norm of a U-Net': [
    ['norm_forward 8', 'norm_backward 8'],
    (to) => {
      const [x, y, dy, dx] = [to.rows(8192, 4, 64), to.rows(8192, 4, 64), to.rows(8192, 4, 64), to.rows(8192, 4, 64)];
      const call = { affine: vectors(to, 64, 3), groups: 8, x, statistics: to.builder.buffer('statistics', 8192 * 8 * 8) };
      recordNormForward(to.builder, { ...call, y });
      recordNormBackward(to.builder, { ...call, dy, dx, sums: to.rows(8192, 1, 192) });
    },
  ],
  'batch norm': [
    ['batch_norm_apply, relu', 'batch_norm_backward, relu'],
    (to) => {
      const [x, y, dy, dx] = [to.rows(8192, 64, 64), to.rows(8192, 64, 64), to.rows(8192, 64, 64), to.rows(8192, 64, 64)];
      const running = { buffer: to.builder.buffer('running', 512) };
      const call = { x, affine: vectors(to, 64, 2), running, mode: to.builder.buffer('mode', 256), relu: true, y };
      const tape = recordBatchNormForward(to.builder, 'norm', call);
      recordBatchNormBackward(to.builder, tape, { dy, dx, step: to.builder.buffer('step', 256) });
    },
  ],
  'norm of tokens': [
    ['layer_norm_kept', 'layer_norm_gradient'],
    (to) => {
      const token = (name: string) => tokens(to.builder, name, 4096, 17, 128);
      const tape = recordLayerNormForward(to.builder, 'norm', { x: token('x'), affine: vectors(to, 128, 2), y: token('y') });
      recordLayerNormBackward(to.builder, 'norm', tape, { dy: token('dy'), dx: token('dx'), step: to.builder.buffer('step', 256) });
    },
  ],
  'sums of vectors': [
    ['row_sums 2'],
    (to) => recordVectorGradient(to.builder, vectors(to, 2 ** 19, 1), 0, to.rows(2, 1, 2 ** 19), to.builder.buffer('step', 256)),
  ],
  keypoints: [
    ['keypoints_forward', 'keypoints_backward'],
    ({ builder, rows }) => {
      const tape = recordKeypointsForward(builder, 'k', rows(2 ** 17, 1, 64), { buffer: builder.buffer('grid', 8) }, rows(2 ** 17, 1, 128));
      recordKeypointsBackward(builder, tape, rows(2 ** 17, 1, 128), rows(2 ** 17, 1, 64));
    },
  ],
  'sums of rows': [
    ['add_rows'],
    ({ builder, rows }) => recordAddRows(builder, rows(1024, 16, 1028), rows(1024, 16, 1028), rows(1024, 16, 1028)),
  ],
  'combined rows': [
    ['combine_rows 1'],
    ({ builder, rows }) => {
      const operands = [rows(1024, 16, 1028)];
      recordCombine(builder, { operands, coefficients: { buffer: builder.buffer('c', 4096) }, y: rows(1024, 16, 1028) });
    },
  ],
  'spread rows': [['spread_rows'], ({ builder, rows }) => recordSpreadRows(builder, rows(4096, 1, 68), rows(4096, 16, 68), 0)],
  'noisy samples': [
    ['noisy_sample'],
    ({ builder, rows }) => {
      const binding = { buffer: builder.buffer('values', 4) };
      recordNoisySample(builder, binding, binding, binding, rows(65_536, 16, 4));
    },
  ],
  'Mish of rows': [
    ['mish_forward', 'mish_backward'],
    ({ builder, rows }) => {
      const [value, gradient, both] = [rows(8192, 1, 516), rows(8192, 1, 516), rows(8192, 1, 516)];
      recordMishForward(builder, value, undefined, both);
      recordMishBackward(builder, both, { value, gradient });
    },
  ],
  latents: [
    ['latent_forward exp'],
    ({ builder, rows }) => {
      const drawn = { buffer: builder.buffer('drawn', 4) };
      recordLatentForward(builder, {
        deviation: 'exp',
        source: rows(8192, 1, 512),
        condition: 512,
        heads: rows(8192, 1, 8),
        drawn,
        joined: rows(8192, 1, 516),
      });
    },
  ],
};

describe('what is recorded of large batches', () => {
  it.each(Object.entries(CASES).map(([name, [labels, record]]) => [name, labels, record] as const))(
    '%s: workgroups lie in rows, as many side by side as WebGPU allows',
    (_, labels, record) => {
      const builder = new PlanBuilder('gpu');
      builder.segment('test');
      record({ builder, rows: (batch, length, channels) => newRows(builder, 'rows', batch, length, channels) });
      const many: string[] = [];
      for (const { kernel, workgroups } of builder.segments.flatMap(({ dispatches }) => dispatches)) {
        expect(Math.max(...workgroups)).toBeLessThanOrEqual(MAX_WORKGROUPS);
        if (workgroups.reduce((product, count) => product * count) > MAX_WORKGROUPS) many.push(kernel.label);
      }
      expect(many).toEqual(labels);
    },
  );
});
