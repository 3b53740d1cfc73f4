import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageInfo } from '../../src/platform/node/environment.js';
import { createGpu } from '../../src/platform/node/gpu.js';
import { syntheticUnet } from '../../src/synthetic/checkpoint.js';
import type { Engine, EngineSpec } from './engine.js';
import { PEERS_FOLDER } from './install.js';
import { createPicture, encoderShape, isEncoder, type PeerEncoder, type PeerUnet } from './networks.js';
import { applyStep, createWork, type UnetWorkload } from './work.js';

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
  const { provider, network } = spec;
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
  const details = {
    version: runtime.env.versions.node ?? 'unknown',
    threads: spec.threads,
    ...(adapter ? { adapter: adapter.info.description, vulkanDriver: process.env['VK_DRIVER_FILES'] ?? 'default of the system' } : {}),
  };
  const graph: OnnxGraph = { runtime, session, model: spec.model };
  return { details, run: isEncoder(network) ? encoderRun(graph, network) : unetRun(graph, network), close: () => session.release() };
}

interface OnnxGraph {
  readonly runtime: OnnxRuntime;
  readonly session: OnnxSession;
  readonly model: string;
}

function unetRun(graph: OnnxGraph, size: PeerUnet): Engine['run'] {
  const { runtime } = graph;
  const work = createWork(size);
  const { horizon, actionDim, conditioningDim } = syntheticUnet(size);
  const conditioning = new runtime.Tensor('float32', work.conditioning, [1, conditioningDim]);
  return async (workload) => {
    let { sample } = work;
    for (const step of work.schedules[workload as UnetWorkload].steps) {
      const output = await runGraph(graph, 'model_output', {
        sample: new runtime.Tensor('float32', sample, [1, horizon, actionDim]),
        timestep: new runtime.Tensor('int64', BigInt64Array.of(BigInt(step.timestep)), [1]),
        global_cond: conditioning,
      });
      sample = applyStep(step, sample, output);
    }
    return sample;
  };
}

function encoderRun(graph: OnnxGraph, network: PeerEncoder): Engine['run'] {
  const { height, width } = encoderShape(network);
  const picture = createPicture(network);
  // A tensor of its own for every run, as every frame has one.
  return () => runGraph(graph, 'features', { image: new graph.runtime.Tensor('float32', picture, [1, 3, height, width]) });
}

async function runGraph({ session, model }: OnnxGraph, name: string, feeds: Parameters<OnnxSession['run']>[0]): Promise<Float32Array> {
  const outputs = await session.run(feeds);
  const output = outputs[name];
  if (!output) throw new Error(`${model} must have an output "${name}", found ${Object.keys(outputs).join(', ')}: export it again.`);
  return output.data;
}
