import type { StoredDataset } from '../../datasets/dataset.js';
import type { DatasetSource } from '../../datasets/files.js';
import { type OpenDatasetOptions, openDataset as openSource } from '../../datasets/open-dataset.js';
import { isHubReference, parseHubReference } from '../../remote/hub/reference.js';
import { datasetFolder } from './dataset-folder.js';
import { ffmpegCodecs } from './ffmpeg.js';
import { hubFolder } from './hub/hub-folder.js';

/**
 * As `openDataset` of any runtime; a text is the path of a folder, of a recording, or `hf:datasets/owner/name[@revision][/folder]`, which is loaded into
 * the Hub's cache. Videos are decoded by the system's ffmpeg.
 */
export async function openDataset(source: string | DatasetSource, options: OpenDatasetOptions = {}): Promise<StoredDataset> {
  if (typeof source !== 'string') return openSource(source, options);
  const place = isHubReference(source) ? await hubFolder(parseHubReference(source)) : source;
  const { folder, source: files } = await datasetFolder(place);
  return openSource(files, { codecs: ffmpegCodecs(folder), ...options });
}
