import type { Profile } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import type { PeerNetwork, Workload } from './networks.js';

/** An engine to be measured, and all that it needs to be opened in a process of its own. */
export type EngineSpec =
  | {
      readonly engine: 'warmstep';
      readonly network: PeerNetwork;
      readonly precision: Precision;
      readonly adapter: string | undefined;
      readonly profile: Profile;
    }
  | {
      readonly engine: 'onnxruntime';
      readonly network: PeerNetwork;
      readonly provider: 'cpu' | 'webgpu';
      /** Path of the .onnx file; its weights lie beside it. */
      readonly model: string;
      readonly threads: number;
      readonly adapter: string | undefined;
    };

/** Facts about an open engine, for the record. */
export type EngineDetails = Readonly<Record<string, string | number | boolean>>;

/** An open engine. Calls must not overlap. */
export interface Engine {
  readonly details: EngineDetails;
  /** Runs a workload from inputs in JavaScript to the result in JavaScript: f32 [horizon][actionDim], or features. */
  run(workload: Workload): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Name of an engine in tables and records. */
export function engineName(spec: EngineSpec): string {
  switch (spec.engine) {
    case 'warmstep':
      return `warmstep ${spec.precision}`;
    case 'onnxruntime':
      return `onnxruntime ${spec.provider === 'cpu' ? 'CPU' : 'WebGPU'}`;
    default:
      return spec satisfies never;
  }
}

/** Whether an engine computes with the weights as they are, so that its result must agree with the others'. */
export function isExact(spec: EngineSpec): boolean {
  return spec.engine !== 'warmstep' || spec.precision === 'f32';
}
