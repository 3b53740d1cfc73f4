import { unetTensorShapes } from '../checkpoints/unet-tensors.js';
import { NoAdapterError } from '../errors.js';
import { openDevice } from '../platform/node/device.js';
import type { AdapterSummary, ComputeDevice } from '../runtime/device.js';
import { syntheticUnet } from '../synthetic/checkpoint.js';
import { listAdapters } from './adapters.js';
import { runKnownAnswer, type KnownAnswer } from './known-answer.js';
import { given } from './options.js';

/** A limit of the device against what the engine asks of it. */
export interface LimitCheck {
  readonly name: string;
  readonly granted: number;
  readonly needed: number;
  readonly ok: boolean;
}

export interface Diagnosis {
  /** Whether policies can run here. */
  readonly ok: boolean;
  /** What Dawn sees on this system, whatever was chosen. */
  readonly adaptersSeen: readonly string[];
  readonly adapter: AdapterSummary | null;
  readonly features: readonly string[];
  readonly limits: readonly LimitCheck[];
  readonly knownAnswer: KnownAnswer | null;
  /** What is missing, and what to do about it. */
  readonly problems: readonly string[];
  /** What works, but not as well as it could. */
  readonly advice: readonly string[];
}

/** Finds out whether policies can run on the chosen adapter. Does not throw where there is none. */
export async function diagnose(choice: string | undefined): Promise<Diagnosis> {
  const nothing = { ok: false, adapter: null, features: [], limits: [], knownAnswer: null, advice: [] };
  let adaptersSeen: string[] = [];
  let device: ComputeDevice;
  try {
    adaptersSeen = await listAdapters();
    device = await openDevice(given({ adapter: choice }));
  } catch (error) {
    if (error instanceof NoAdapterError) return { ...nothing, adaptersSeen, problems: [error.message] };
    throw error;
  }
  try {
    const limits = checkLimits(device);
    const knownAnswer = await runKnownAnswer(device);
    const problems = [
      ...limits.filter(({ ok }) => !ok).map(({ name, granted, needed }) =>
        `${name} is ${granted}, the largest networks need ${needed}: use smaller networks, f16 weights, or another adapter.`),
      ...(knownAnswer.ok
        ? []
        : [`the ${knownAnswer.kernel} kernel is off by ${knownAnswer.largestError}: update the driver, or use another adapter.`]),
    ];
    return {
      ok: knownAnswer.ok,
      adaptersSeen,
      adapter: device.adapter,
      features: [...device.adapterFeatures].sort(),
      limits,
      knownAnswer,
      problems,
      advice: device.adapter.isFallback
        ? ['This is a software adapter: results are right, times say nothing about a GPU. Install the GPU\'s driver, or choose it '
          + 'with --adapter hardware.']
        : [],
    };
  } finally {
    device.dispose();
  }
}

/** The engine's kernels stay within WebGPU's defaults; only buffers grow with the network. */
function checkLimits({ limits }: ComputeDevice): LimitCheck[] {
  const shapes = [...unetTensorShapes(syntheticUnet('large')).values()];
  const elements = shapes.map((shape) => shape.reduce((product, size) => product * size, 1));
  const largestTensor = 4 * Math.max(...elements);
  const needed: [keyof GPUSupportedLimits, number][] = [
    ['maxStorageBufferBindingSize', largestTensor],
    ['maxBufferSize', largestTensor],
    ['maxStorageBuffersPerShaderStage', 8],
    ['maxComputeInvocationsPerWorkgroup', 256],
    ['maxComputeWorkgroupStorageSize', 16_384],
  ];
  return needed.map(([name, least]) => {
    const granted = Number(limits[name]);
    return { name, granted, needed: least, ok: granted >= least };
  });
}
