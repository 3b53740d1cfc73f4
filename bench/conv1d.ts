/**
 * Micro-benchmark of the convolution kernel at every shape of the 249M U-Net (`npm run bench`).
 *
 *     node dist/bench/conv1d.js [--adapter CHOICE] [--precision f32|f16] [--seconds S] [--filter TEXT]
 *
 * A run is a chain of dispatches and the wait for their end; the time of one dispatch is reported, with the fence in it.
 */
import { parseArgs } from 'node:util';
import { recordConv1d, type Conv1dWeights } from '../src/ops/conv1d.js';
import type { Precision } from '../src/ops/weight-source.js';
import { openDevice } from '../src/platform/node/device.js';
import type { ComputeDevice } from '../src/runtime/device.js';
import { PlanBuilder } from '../src/runtime/plan-builder.js';
import { compilePlan } from '../src/runtime/plan.js';
import { channelsFirst } from '../src/runtime/tensor.js';
import { Uploader } from '../src/runtime/uploader.js';
import { residualBlockShapes } from '../src/networks/unet.js';
import { syntheticUnet } from '../src/synthetic/checkpoint.js';
import { describeEnvironment } from '../src/cli/environment.js';
import { summarizeLatencies } from '../src/cli/latency.js';
import { table } from '../src/cli/table.js';
import { measure, type Task } from './harness.js';

/** Dispatches per run: enough that the fence is a small part of it. */
const CHAIN = 4;

interface Shape {
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly length: number;
}

/** The distinct convolutions of the residual blocks, with the length they run at. */
function shapes(): Shape[] {
  const unet = syntheticUnet('large');
  const found = new Map<string, Shape>();
  for (const block of residualBlockShapes(unet)) {
    const [kind, index = '0'] = block.name.split('.');
    const levels = unet.downDims.length - 1;
    const level = kind === 'down_modules' ? Number(index) : kind === 'up_modules' ? levels - Number(index) : levels;
    const length = unet.horizon / 2 ** level;
    for (const inChannels of [block.inChannels, block.outChannels]) {
      const { outChannels, kernelSize } = block;
      const name = `${inChannels} -> ${outChannels}, k${kernelSize}, length ${length}`;
      found.set(name, { name, inChannels, outChannels, kernelSize, length });
    }
  }
  return [...found.values()];
}

async function createTask(device: ComputeDevice, uploader: Uploader, shape: Shape, precision: Precision): Promise<Task> {
  const { inChannels, outChannels, kernelSize, length } = shape;
  const bytes = weightBytes(shape, precision);
  const weights: Conv1dWeights = {
    weight: await uploader.allocate('weights', bytes),
    bias: await uploader.allocate('bias', outChannels * 4),
    inChannels,
    outChannels,
    kernelSize,
    transposed: false,
    storage: precision,
  };
  const builder = new PlanBuilder(device.deviceClass);
  builder.segment('conv1d');
  const x = channelsFirst(builder, 'x', 1, inChannels, length);
  const y = channelsFirst(builder, 'y', 1, outChannels, length);
  for (let i = 0; i < CHAIN; i++) recordConv1d(builder, weights, { x, y, padding: kernelSize >> 1 });
  const plan = await compilePlan(device, builder);
  const { queue } = device.gpuDevice;
  const run = async (): Promise<void> => {
    const encoder = device.gpuDevice.createCommandEncoder();
    plan.encode(encoder, [{ segment: 'conv1d' }]);
    queue.submit([encoder.finish()]);
    await device.settle(queue.onSubmittedWorkDone());
  };
  await run();
  return { name: shape.name, run };
}

function weightBytes({ inChannels, outChannels, kernelSize }: Shape, precision: Precision): number {
  return inChannels * outChannels * kernelSize * (precision === 'f16' ? 2 : 4);
}

const { values } = parseArgs({
  options: { adapter: { type: 'string' }, precision: { type: 'string' }, seconds: { type: 'string' }, filter: { type: 'string' } },
});
const precision: Precision = values.precision === 'f16' ? 'f16' : 'f32';
const device = await openDevice(values.adapter === undefined ? {} : { adapter: values.adapter });
const uploader = new Uploader(device);
const { loadAverage, cpu, cpus } = describeEnvironment();
console.log(`${device.adapter.description}, ${precision} weights, chains of ${CHAIN} dispatches; ${cpus} × ${cpu}, load ${loadAverage.join(' ')}`);
const rows: string[][] = [];
for (const shape of shapes().filter(({ name }) => name.includes(values.filter ?? ''))) {
  const [measurement] = await measure([await createTask(device, uploader, shape, precision)], Number(values.seconds ?? 1));
  const run = summarizeLatencies(measurement?.samples ?? []);
  if (!run) continue;
  const seconds = run.p50 / CHAIN / 1000;
  const products = shape.inChannels * shape.outChannels * shape.kernelSize * shape.length;
  rows.push([
    shape.name,
    `${(run.p50 / CHAIN).toFixed(3)} ms`,
    `${(run.p95 / CHAIN).toFixed(3)} ms`,
    (weightBytes(shape, precision) / seconds / 1e9).toFixed(2),
    ((2 * products) / seconds / 1e9).toFixed(2),
  ]);
}
console.log(table(['convolution', 'p50', 'p95', 'GB/s of weights', 'GFLOP/s'], rows));
uploader.destroy();
device.dispose();
