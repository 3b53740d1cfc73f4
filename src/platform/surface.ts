/**
 * `warmstep`: the same names and types in every runtime and under every resolution of modules, whatever is behind them.
 * package.json gives these declarations as the types of the entry, once; what runs is `node/index.ts` or `web/index.ts`,
 * and a test holds both to this file. It names no global that a project may lack: neither Node's nor WebGPU's.
 */

import type { CheckpointSource } from '../checkpoints/source.js';
import type { Policy } from '../policy/policy.js';
import type { ComputeDevice, WebGpu } from '../runtime/device.js';
import type { AdapterChoice, GpuOptions, HubSourceOptions, LoadPolicyOptions, OpenDeviceOptions } from './options.js';

export * from '../entries/core.js';
export type { AdapterChoice, GpuOptions, HubSourceOptions, LoadPolicyOptions, OpenDeviceOptions } from './options.js';

/**
 * Loads a checkpoint from a folder or any source, ready to act. Closes the source when it is done. A text is
 * - `hf:owner/name[@revision][/folder]`, on the Hugging Face Hub;
 * - the http(s) address of a folder, as `urlSource` reads it;
 * - else the path of a folder, which Node can read; in a browser give a source: `blobSource`, `memorySource`, or one of your own.
 * @throws CheckpointError, UnsupportedCheckpointError, OptionError, NoAdapterError, DeviceLimitError, DownloadError,
 * and the reason of `signal` when it is aborted.
 */
export declare function loadPolicy(source: string | CheckpointSource, options?: LoadPolicyOptions): Promise<Policy>;

/**
 * Opens a device: through Dawn in Node, through `navigator.gpu` elsewhere. The caller disposes of it.
 * @throws NoAdapterError, OptionError.
 */
export declare function openDevice(options?: OpenDeviceOptions): Promise<ComputeDevice>;

/** A checkpoint folder on disk. @throws CheckpointError where there is none; OptionError where the runtime reads no folders. */
export declare function folderSource(folder: string): Promise<CheckpointSource>;

/**
 * A folder on the Hugging Face Hub, `hf:owner/name[@revision][/folder]`. In Node it is loaded into the cache that Python's
 * `huggingface_hub` uses too, checked against its hashes, and used from there offline; in a browser it is read over the network.
 * @throws DownloadError, which says whether it is misspelt, gated or private, or the network is down; OptionError.
 */
export declare function hubSource(reference: string, options?: HubSourceOptions): Promise<CheckpointSource>;

/**
 * The WebGPU implementation behind `openDevice`, with the chosen adapter. In Node the choice applies to the whole process:
 * Vulkan drivers are chosen once; profile and timing apply to the result alone.
 * @throws NoAdapterError, naming the remedy.
 */
export declare function createGpu(choice?: AdapterChoice, options?: GpuOptions): Promise<WebGpu>;
