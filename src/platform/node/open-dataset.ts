import type { Dataset } from '../../datasets/dataset.js';
import type { DatasetSource } from '../../datasets/files.js';
import { type OpenDatasetOptions, openDataset as openSource } from '../../datasets/open-dataset.js';
import { datasetFolder } from './dataset-folder.js';
import { ffmpegCodecs } from './ffmpeg.js';

/** As `openDataset` of any runtime; a text is the path of a folder, or of a recording, and its videos are decoded by the system's ffmpeg. */
export async function openDataset(source: string | DatasetSource, options: OpenDatasetOptions = {}): Promise<Dataset> {
  if (typeof source !== 'string') return openSource(source, options);
  const { folder, source: files } = await datasetFolder(source);
  return openSource(files, { codecs: ffmpegCodecs(folder), ...options });
}
