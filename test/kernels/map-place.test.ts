import { expect, it } from 'vitest';
import type { MapPlace } from '../../kernels/lib/map-place.wgsl.js';
import { recordFinishMap, recordMaxPool, uploadMapNorm } from '../../src/ops/feature-maps.js';
import { createBuffer, MAP_READ, USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import { type FeatureMap, featureMap } from '../../src/runtime/feature-map.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { ProbeBuffer } from '../../src/runtime/probes.js';
import { useTestDevice } from '../support/device.js';
import { asMap, inputMap, type MapValues, outputMap, readMap } from '../support/feature-maps.js';
import { runOp } from '../support/run-op.js';
import { expectSameBits, Normals } from '../support/values.js';

const device = useTestDevice();

it('pooled and normed in textures, a map has the bits that it has in buffers', async ({ skip }) => {
  if (!device().readsStorageTextures) skip();
  const shape = { batch: 2, channels: 16, height: 5, width: 4 };
  const normals = new Normals(7);
  const picture = asMap(normals.values(2, 16, 63), 9, 7);
  const [gamma, beta] = [normals.floats(16), normals.floats(16)];
  const run = async (place: MapPlace): Promise<MapValues> => {
    const results = await runOp(device(), async (op) => {
      const norm = await uploadMapNorm(op.loader({}), 'norm', 16, 8, [{ gamma, beta }]);
      const [pooled, normed] = ['pooled', 'normed'].map((label) => featureMap(op.builder, label, shape, place)) as [FeatureMap, FeatureMap];
      recordMaxPool(op.builder, inputMap(op, picture), pooled);
      recordFinishMap(op.builder, norm, { x: pooled, y: normed, residual: pooled, relu: true });
      recordFinishMap(op.builder, norm, { x: normed, y: outputMap(op, 'y', shape), relu: false });
    });
    return readMap(results, 'y', shape);
  };
  const expected = await run('buffer');
  expect(expected.data.every(Number.isFinite)).toBe(true);
  expectSameBits(await run('texture'), expected, 'y');
});

it('a probe copies a part of a texture from the middle of a row to the middle of another', async ({ skip }) => {
  if (!device().readsStorageTextures) skip();
  const side = 185;
  const map = { batch: 1, channels: 12, height: side, width: side };
  const pooled = { ...map, height: 93, width: 93 };
  const builder = new PlanBuilder(device(), ['some']);
  builder.segment('test');
  const x = featureMap(builder, 'x', map);
  const y = featureMap(builder, 'y', pooled, 'texture');
  recordMaxPool(builder, x, y);
  const range = { offset: 5 * 16, bytes: (2 * 8192 + 11) * 16 };
  builder.probe('some', y.buffer, [range]);
  const plan = await compilePlan(device(), builder);
  const { gpuDevice } = device();
  const runs = [{ segment: 'test' }];
  const probed = new ProbeBuffer(await createBuffer(device(), 'probes', plan.probeBytes(runs), USAGE.mapRead | USAGE.copyDestination));
  try {
    const values = Float32Array.from({ length: 12 * side * side }, (_, i) => i % 9973);
    gpuDevice.queue.writeBuffer(plan.gpuBuffer(x.buffer), 0, values);
    const commands = gpuDevice.createCommandEncoder();
    plan.encode(commands, runs, probed);
    gpuDevice.queue.submit([commands.finish()]);
    await device().settle(probed.buffer.mapAsync(MAP_READ));
    const found = probed.read(probed.buffer.getMappedRange()).get('some') as Float32Array;
    const pixels = 93 * 93;
    const expected = Float32Array.from({ length: range.bytes / 4 }, (_, i) => {
      const element = 5 + Math.floor(i / 4);
      const [plane, row, column] = [Math.floor(element / pixels), Math.floor((element % pixels) / 93), (element % pixels) % 93];
      let most = 0;
      for (let r = Math.max(0, 2 * row - 1); r <= Math.min(side - 1, 2 * row + 1); r++) {
        for (let c = Math.max(0, 2 * column - 1); c <= Math.min(side - 1, 2 * column + 1); c++) {
          most = Math.max(most, values[((plane * side + r) * side + c) * 4 + (i % 4)] as number);
        }
      }
      return most;
    });
    expect(found).toEqual(expected);
  } finally {
    probed.buffer.destroy();
    plan.destroy();
  }
});
