/** The package as Deno sees it: the core, with folders as checkpoints and Deno's own WebGPU. Its types are those of `surface.ts`. */
export * from '../../entries/core.js';
export { folderSource } from '../node/folder-source.js';
export { hubSource } from '../node/hub/hub-source.js';
export { openDevice } from './device.js';
export { createGpu } from './gpu.js';
export { loadPolicy } from './load-policy.js';
