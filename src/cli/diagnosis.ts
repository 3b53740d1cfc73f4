import { unetTensorShapes } from '../checkpoints/lerobot/unet-tensors.js';
import { WarmstepError } from '../foundation/errors.js';
import { openDevice } from '../platform/node/device.js';
import type { AdapterSummary, ComputeDevice } from '../runtime/device.js';
import { type SyntheticSize, syntheticUnet } from '../synthetic/checkpoint.js';
import { given } from '../terminal/options.js';
import { listAdapters } from './adapters.js';
import { type KnownAnswer, runKnownAnswer } from './known-answer.js';

/** A limit of the device against what the engine asks of it. */
export interface LimitCheck {
  readonly name: string;
  readonly granted: number;
  /** For the smallest networks: with less, no policy runs here. */
  readonly least: number;
  /** For the large network of the STEP paper. */
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

/** Finds out whether policies can run on the chosen adapter. What the engine complains of is in the diagnosis, not thrown. */
export async function diagnose(choice: string | undefined): Promise<Diagnosis> {
  const nothing = { ok: false, adapter: null, features: [], limits: [], knownAnswer: null, advice: [] };
  const adaptersSeen = await listAdapters();
  const device = await orComplaint(openDevice(given({ adapter: choice })));
  if (typeof device === 'string') return { ...nothing, adaptersSeen, problems: [device] };
  try {
    const limits = checkLimits(device);
    const knownAnswer = await orComplaint(runKnownAnswer(device));
    const problems = [
      ...limits
        .filter(({ granted, least }) => granted < least)
        .map(
          ({ name, granted, least }) => `${name} is ${granted}, every policy needs ${least}: update the driver, or use another adapter.`,
        ),
      ...knownAnswerProblems(knownAnswer),
    ];
    return {
      ok: problems.length === 0,
      adaptersSeen,
      adapter: device.adapter,
      features: [...device.adapterFeatures].sort(),
      limits,
      knownAnswer: typeof knownAnswer === 'string' ? null : knownAnswer,
      problems,
      advice: [
        ...device.warnings,
        ...limits
          .filter(({ granted, least, ok }) => !ok && granted >= least)
          .map(
            ({ name, granted, needed }) =>
              `${name} is ${granted}, the 249M network needs ${needed}: use smaller networks, f16 weights, or another adapter.`,
          ),
        ...(device.adapter.isFallback
          ? [
              "This is a software adapter: results are right, times say nothing about a GPU. Install the GPU's driver, or choose it " +
                'with --adapter hardware.',
            ]
          : []),
      ],
    };
  } finally {
    device.dispose();
  }
}

/** What the work gives, or the message of the engine's error that it ended with. */
async function orComplaint<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof WarmstepError) return error.message;
    throw error;
  }
}

function knownAnswerProblems(found: KnownAnswer | string): string[] {
  if (typeof found === 'string') return [`the known-answer check failed: ${found}`];
  if (found.ok) return [];
  return [`the ${found.kernel} kernel is off by ${found.largestError}: update the driver, or use another adapter.`];
}

/** The engine's kernels stay within WebGPU's defaults; only buffers grow with the network. */
function checkLimits({ limits }: ComputeDevice): LimitCheck[] {
  const buffers = [largestTensorBytes('tiny'), largestTensorBytes('large')] as const;
  const wanted: [keyof GPUSupportedLimits, number, number][] = [
    ['maxStorageBufferBindingSize', ...buffers],
    ['maxBufferSize', ...buffers],
    ['maxStorageBuffersPerShaderStage', 8, 8],
    ['maxComputeInvocationsPerWorkgroup', 256, 256],
    ['maxComputeWorkgroupStorageSize', 16_384, 16_384],
  ];
  return wanted.map(([name, least, needed]) => {
    const granted = Number(limits[name]);
    return { name, granted, least, needed, ok: granted >= needed };
  });
}

/** Bytes of f32 of the largest weight, which must fit into one binding. */
function largestTensorBytes(size: SyntheticSize): number {
  const elements = [...unetTensorShapes(syntheticUnet(size)).values()].map((shape) => shape.reduce((all, length) => all * length, 1));
  return 4 * Math.max(...elements);
}
