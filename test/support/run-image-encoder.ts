import { expect } from 'vitest';
import { loadImageEncoder } from '../../src/networks/image-encoder/load.js';
import { recordImageEncoder } from '../../src/networks/image-encoder/record.js';
import { encoderFeatures } from '../../src/networks/image-encoder/shape.js';
import { frameBytes, loadFramePreparation, recordPrepareFrames } from '../../src/ops/frames.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { channelsFirstValues, featureMap } from '../../src/runtime/feature-map.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { ProbeBuffer } from '../../src/runtime/probes.js';
import { tokens } from '../../src/runtime/tensor.js';
import { Uploader } from '../../src/runtime/uploader.js';
import type { Precision } from '../../src/spec/precision.js';
import type { ImageCase } from './image-case.js';

/** Channels of the stages that are recorded, by the last part of their names. */
const STAGE_CHANNELS: Readonly<Record<string, number>> = {
  input: 3,
  'backbone.0': 64,
  'backbone.1': 64,
  'backbone.3': 64,
  'backbone.4': 64,
  'backbone.5': 128,
  'backbone.6': 256,
  'backbone.7': 512,
};

/** As test/goldens/images/README.md says: maps were recorded as f16. */
const MAP_TOLERANCE = 1e-3;
const TOLERANCE = 1e-4;

/** Fails unless so many stages were compared, and all agree. */
export function expectStages({ differences }: EncoderRun, stages: number): void {
  expect(differences.size, 'stages').toBe(stages);
  const wrong = [...differences].filter(([name, value]) => !(value <= (name.includes('backbone') ? MAP_TOLERANCE : TOLERANCE)));
  expect(wrong, 'stages that differ').toEqual([]);
}

export interface EncoderRun {
  /** [camera][frame of the camera][2 · keypoints]. */
  readonly features: Float32Array;
  /** Largest difference of each recorded tensor as a share of its largest value, by its name. */
  readonly differences: ReadonlyMap<string, number>;
  readonly dispatches: number;
}

/**
 * Encodes recorded frames of sample 0, `frames` of every camera from the oldest on, on a device, and compares every stage of the oldest
 * ones that the case recorded.
 */
export async function runImageEncoder(
  device: ComputeDevice,
  recorded: ImageCase,
  {
    precision = 'f32',
    frames = 1,
  }: {
    readonly precision?: Precision;
    readonly frames?: number;
  } = {},
): Promise<EncoderRun> {
  const { encoder: shape, cameras, frame } = recorded;
  const uploader = new Uploader(device);
  try {
    const loader = { source: recorded.weights, uploader, precision };
    const names = [...recorded.recorded.tensors.keys()].filter((name) => name.startsWith('expected.encoder.'));
    const builder = new PlanBuilder(
      device,
      names.map((name) => name.slice('expected.'.length)),
    );
    builder.segment('encode');
    const preparation = await loadFramePreparation(loader, { frame, resize: recorded.resize, crop: recorded.crop });
    const size = frameBytes('u8-chw', frame);
    const count = cameras.length * frames;
    const inputs = builder.buffer('frames', size * count);
    const statistics = Float32Array.from(
      cameras.flatMap(({ mean, std }) => [...mean].flatMap((m, c) => [m, (std[c] as number) + 1e-8, 1, 0])),
    );
    const prepared = featureMap(builder, 'prepared frames', { batch: count, channels: 3, height: shape.height, width: shape.width });
    recordPrepareFrames(builder, preparation, {
      frames: { buffer: inputs, offset: 0, bytes: size * count },
      format: 'u8-chw',
      statistics: await uploader.uploadFloats('statistics', statistics),
      cameras: cameras.length,
      y: prepared,
    });
    const encoder = await loadImageEncoder(loader, shape, recorded.prefixes);
    const features = tokens(builder, 'features', count, 1, encoderFeatures(shape));
    recordImageEncoder(builder, encoder, cameras.length, prepared, features);
    const plan = await compilePlan(device, builder);
    try {
      const bytes = new Uint8Array(size * count);
      const pixels = 3 * frame[0] * frame[1];
      for (const [index, { input }] of cameras.entries()) {
        const all = await recorded.inputs(input);
        for (let f = 0; f < frames; f++) bytes.set(all.subarray(f * pixels, (f + 1) * pixels), (index * frames + f) * size);
      }
      device.gpuDevice.queue.writeBuffer(plan.gpuBuffer(inputs), 0, bytes);
      const runs = [{ segment: 'encode' }];
      const target = await createBuffer(
        device,
        'read-back',
        plan.probeBytes(runs) + count * encoderFeatures(shape) * 4,
        USAGE.mapRead | USAGE.copyDestination,
      );
      const probes = new ProbeBuffer(target);
      const encoderOfCommands = device.gpuDevice.createCommandEncoder();
      plan.encode(encoderOfCommands, runs, probes);
      const end = plan.probeBytes(runs);
      const featureBytes = count * encoderFeatures(shape) * 4;
      encoderOfCommands.copyBufferToBuffer(plan.gpuBuffer(features.buffer), 0, target, end, featureBytes);
      device.gpuDevice.queue.submit([encoderOfCommands.finish()]);
      await device.settle(target.mapAsync(1));
      const mapped = target.getMappedRange();
      const values = probes.read(mapped);
      const found = new Float32Array(mapped.slice(end, end + featureBytes));
      target.destroy();
      const differences = new Map<string, number>();
      for (const name of names) {
        const got = values.get(name.slice('expected.'.length));
        if (!got) throw new Error(`nothing was probed for ${name}`);
        differences.set(name, await difference(recorded, name, got, frames));
      }
      return { features: found, differences, dispatches: plan.dispatchCount('encode') };
    } finally {
      plan.destroy();
    }
  } finally {
    uploader.destroy();
  }
}

/** `got`: the first frame of a camera is what was recorded. */
async function difference(recorded: ImageCase, name: string, got: Float32Array, frames: number): Promise<number> {
  const expected = (await recorded.recorded.readFloats(name)).slice();
  const channels = STAGE_CHANNELS[name.replace(/^expected\.encoder\.\d+\./, '')];
  const own = got.subarray(0, got.length / frames);
  const actual = channels === undefined ? own : thinned(recorded, name, channels, own);
  if (actual.length !== expected.length) throw new Error(`${name}: ${actual.length} values, expected ${expected.length}`);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (
    expected.reduce((most, value, i) => {
      const error = Math.abs((actual[i] as number) - value);
      return Number.isNaN(error) ? Infinity : Math.max(most, error);
    }, 0) / largest
  );
}

/** A map as it was recorded: channels first, every n-th along each axis. */
function thinned(recorded: ImageCase, name: string, channels: number, values: Float32Array): Float32Array {
  const [height, width] = sidesOf(recorded, name);
  const whole = channelsFirstValues({ batch: 1, channels, height, width }, values);
  const [stepC, stepY, stepX] = recorded.strides(name);
  const kept: number[] = [];
  for (let c = 0; c < channels; c += stepC) {
    for (let y = 0; y < height; y += stepY) {
      for (let x = 0; x < width; x += stepX) kept.push(whole[(c * height + y) * width + x] as number);
    }
  }
  return Float32Array.from(kept);
}

/** Each of these halves the sides, rounding up. */
const HALVINGS: Readonly<Record<string, number>> = {
  input: 0,
  'backbone.0': 1,
  'backbone.1': 1,
  'backbone.3': 2,
  'backbone.4': 2,
  'backbone.5': 3,
  'backbone.6': 4,
  'backbone.7': 5,
};

function sidesOf({ encoder }: ImageCase, name: string): readonly [number, number] {
  const halve = (side: number): number => {
    let result = side;
    for (let i = 0; i < (HALVINGS[name.replace(/^expected\.encoder\.\d+\./, '')] ?? 0); i++) result = Math.ceil(result / 2);
    return result;
  };
  return [halve(encoder.height), halve(encoder.width)];
}
