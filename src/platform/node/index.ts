/** The package as Node sees it: the core, with folders as checkpoints and Dawn as WebGPU. Its types are those of `surface.ts`. */
export * from '../../entries/core.js';
export { openDevice } from './device.js';
export { folderSource } from './folder-source.js';
export { createGpu } from './gpu.js';
export { hubSource } from './hub/hub-source.js';
export { loadPolicy } from './load-policy.js';
