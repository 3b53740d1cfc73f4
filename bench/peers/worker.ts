/**
 * A process with one engine in it: engines do not share memory, threads or a Vulkan driver, and one that crashes ends
 * alone. Times are taken here, so that talking to the parent is not in them.
 */
import type { Engine, EngineSpec } from './engine.js';
import type { Reply, Request } from './messages.js';
import { isEncoder } from './networks.js';
import { openOnnxRuntime } from './onnx-engine.js';
import { openWarmstepEncoder } from './warmstep-encoder.js';
import { openWarmstep } from './warmstep-engine.js';

let engine: Engine | undefined;

function openEngine(spec: EngineSpec): Promise<Engine> {
  switch (spec.engine) {
    case 'warmstep':
      return isEncoder(spec.network) ? openWarmstepEncoder(spec, spec.network) : openWarmstep(spec, spec.network);
    case 'onnxruntime':
      return openOnnxRuntime(spec);
    default:
      return spec satisfies never;
  }
}

async function answer(request: Request): Promise<Reply> {
  const started = performance.now();
  switch (request.kind) {
    case 'open':
      engine = await openEngine(request.spec);
      return { kind: 'opened', details: engine.details, openMs: performance.now() - started };
    case 'run': {
      if (!engine) throw new TypeError('open an engine before running it');
      const samples: number[] = [];
      let output: Float32Array = new Float32Array();
      for (let i = 0; i < request.runs; i++) {
        const before = performance.now();
        output = await engine.run(request.workload);
        samples.push(performance.now() - before);
      }
      return { kind: 'ran', samples, output };
    }
    default:
      return request satisfies never;
  }
}

process.on('message', (request: Request) => {
  void answer(request)
    .catch((error: unknown): Reply => ({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }))
    .then((reply) => process.send?.(reply));
});
process.on('disconnect', () => {
  void Promise.resolve(engine?.close()).finally(() => process.exit());
});
