/** `warmstep/datasets` as Node sees it: folders as data sets, and their videos by the system's ffmpeg. */
export * from '../../entries/datasets.js';
export { openDataset } from './open-dataset.js';
