/** The package where there is no Node: the core with `navigator.gpu`. The names of `node/index.ts`; see `surface.ts`. */
export * from '../../entries/core.js';
export { createGpu, openDevice } from './device.js';
export { hubSource } from './hub-source.js';
export { folderSource, loadPolicy } from './load-policy.js';
