import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageInfo } from '../../src/platform/node/environment.js';
import { createGpu } from '../../src/platform/node/gpu.js';
import { syntheticUnet } from '../../src/synthetic/checkpoint.js';
import type { Engine, EngineSpec } from './engine.js';
import { PEERS_FOLDER } from './install.js';
import { applyStep, createWork } from './work.js';

/** The part of onnxruntime-node that is used; the package itself is no dependency of this one. */
interface OnnxTensor {
  readonly data: Float32Array;
}
interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}
interface OnnxRuntime {
  readonly env: { readonly versions: { readonly node?: string } };
  readonly InferenceSession: { create(path: string, options: object): Promise<OnnxSession> };
  readonly Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, shape: readonly number[]) => OnnxTensor;
}

/** Errors only: the provider warns of every operation that it leaves to the CPU. */
const LOG_ERRORS = 3;
/** Kept as long as the process lives: Dawn aborts when an instance is collected. */
const instances: GPU[] = [];

/** ONNX Runtime on the exported graph; between two evaluations the solver step runs in JavaScript. */
export async function openOnnxRuntime(spec: EngineSpec & { engine: 'onnxruntime' }): Promise<Engine> {
  const { provider, size } = spec;
  const runtime = createRequire(join(packageInfo().root, PEERS_FOLDER, 'package.json'))('onnxruntime-node') as OnnxRuntime;
  // The provider brings a Dawn of its own and takes the first adapter. Choosing ours first leaves one Vulkan driver to it.
  const gpu = provider === 'webgpu' ? await createGpu(spec.adapter) : undefined;
  if (gpu) instances.push(gpu);
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  const session = await runtime.InferenceSession.create(spec.model, {
    executionProviders: [provider],
    intraOpNumThreads: spec.threads,
    interOpNumThreads: 1,
    logSeverityLevel: LOG_ERRORS,
  });
  const work = createWork(size);
  const { horizon, actionDim, conditioningDim } = syntheticUnet(size);
  const conditioning = new runtime.Tensor('float32', work.conditioning, [1, conditioningDim]);
  const evaluate = async (sample: Float32Array, timestep: number): Promise<Float32Array> => {
    const outputs = await session.run({
      sample: new runtime.Tensor('float32', sample, [1, horizon, actionDim]),
      timestep: new runtime.Tensor('int64', BigInt64Array.of(BigInt(timestep)), [1]),
      global_cond: conditioning,
    });
    const output = outputs['model_output'];
    if (!output)
      throw new Error(`${spec.model} must have an output "model_output", found ${Object.keys(outputs).join(', ')}: export it again.`);
    return output.data;
  };
  return {
    details: {
      version: runtime.env.versions.node ?? 'unknown',
      threads: spec.threads,
      ...(adapter ? { adapter: adapter.info.description, vulkanDriver: process.env['VK_DRIVER_FILES'] ?? 'default of the system' } : {}),
    },
    run: async (workload) => {
      let sample = work.sample;
      for (const step of work.schedules[workload].steps) sample = applyStep(step, sample, await evaluate(sample, step.timestep));
      return sample;
    },
    close: () => session.release(),
  };
}
