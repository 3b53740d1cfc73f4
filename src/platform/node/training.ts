/** `warmstep/training` as Node sees it: folders as storages. */
export * from '../../entries/training.js';
export { folderStorage } from './folder-storage.js';
