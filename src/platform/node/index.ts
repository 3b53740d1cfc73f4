/** The package as Node sees it: the core, with folders as checkpoints and Dawn as WebGPU. */
export * from '../../entries/core.js';
export { type OpenNodeDeviceOptions, openDevice } from './device.js';
export { folderSource } from './folder-source.js';
export { type AdapterChoice, createGpu } from './gpu.js';
export { type LoadNodePolicyOptions, loadPolicy } from './load-policy.js';
