/** The package as Node sees it: the core, with folders as checkpoints and Dawn as WebGPU. */
export * from '../../index.js';
export { openDevice, type OpenNodeDeviceOptions } from './device.js';
export { folderSource } from './folder-source.js';
export { createGpu, type AdapterChoice } from './gpu.js';
export { loadPolicy, type LoadNodePolicyOptions } from './load-policy.js';
