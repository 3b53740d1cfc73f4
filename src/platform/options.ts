import type { CheckpointSource } from '../checkpoints/source.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import type { LoadPolicyOptions as LoadSourceOptions } from '../policy/load-policy.js';
import type { OpenDeviceOptions as OpenCoreOptions, Profile } from '../runtime/device.js';
import type { VariantTable } from '../runtime/variant-table.js';

/**
 * Which adapter to use.
 * - `auto`: the system's best adapter; in Node SwiftShader where the system has none.
 * - `hardware`: a GPU, never a software adapter.
 * - `swiftshader`, `lavapipe`: these software adapters.
 * - anything else: the adapter whose name contains this text.
 *
 * A browser chooses by itself: there, only `auto`.
 */
export type AdapterChoice = 'auto' | 'hardware' | 'swiftshader' | 'lavapipe' | (string & {});

/** How a WebGPU implementation is set up. */
export interface GpuOptions {
  /** Default: in Node the environment variable WARMSTEP_PROFILE, else `safe`. Browsers are always `safe`. */
  readonly profile?: Profile;
  /** Timestamps to the nanosecond instead of rounded to 65 µs. In a browser they stay rounded. */
  readonly timing?: boolean;
}

export interface OpenDeviceOptions extends Omit<OpenCoreOptions, 'variants'> {
  /** Default: in Node the environment variable WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
  /** Default: in Node the environment variable WARMSTEP_PROFILE, else `safe`. A given `gpu` is taken as it is. */
  readonly profile?: Profile;
  /**
   * 'tuned': what `warmstep tune` stored for the adapter, if it did; 'shipped': never; or a table. Default: in Node the
   * environment variable WARMSTEP_VARIANTS, else 'tuned'. In a browser nothing is stored: there, 'tuned' is 'shipped'.
   */
  readonly variants?: VariantsChoice;
}

export type VariantsChoice = 'tuned' | 'shipped' | VariantTable | NonNullable<OpenCoreOptions['variants']>;

/** How a folder on the Hugging Face Hub is fetched. */
export interface HubSourceOptions {
  /** For gated and private repositories. Default: in Node HF_TOKEN, or what `hf auth login` stored. Sent to the endpoint alone. */
  readonly token?: string;
  /** Default: in Node HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string;
  readonly signal?: AbortSignalLike;
  /** Bytes that are here, of the bytes of all files. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Node: called when the network is down, and the state of an earlier download is used. Default: a warning of the process. */
  readonly onWarning?: (warning: string) => void;
}

export interface LoadPolicyOptions extends Omit<LoadSourceOptions, 'networks'> {
  /** Networks beside the policy's own: each a folder or a source. */
  readonly networks?: {
    /** A predictor folder, a source, or 'shift'. */
    readonly predictor?: string | CheckpointSource;
    /** Networks of methods, one or several: folders or sources, each of another type, which its config.json says. */
    readonly methods?: string | CheckpointSource | readonly (string | CheckpointSource)[];
  };
  /** Adapter of the device that is opened when none is given. Default: in Node WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
  /** Profile of that device. Default: in Node WARMSTEP_PROFILE, else `safe`. */
  readonly profile?: Profile;
}
