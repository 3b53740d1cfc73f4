/** `warmstep/datasets`: demonstrations on disk or anywhere else: rows, pictures, windows, statistics, and a LeRobot data set written. */

export { type ByteSource, blobSource, type CheckpointSource, memorySource, type NamedBlob } from '../checkpoints/source.js';
export { type BatchOptions, type BatchPosition, type PositionedBatch, windowBatches } from '../datasets/batches.js';
export type {
  CheckedRows,
  Dataset,
  DatasetEpisode,
  DatasetFeature,
  FeatureKind,
  FeatureStatistics,
  MissingPart,
  PictureData,
  StoredDataset,
} from '../datasets/dataset.js';
export type { DatasetSource } from '../datasets/files.js';
export { normalizerOf, type StatisticsMode, unnormalizerOf } from '../datasets/normalizers.js';
export { type OpenDatasetOptions, openDataset } from '../datasets/open-dataset.js';
export type { PictureCodecs, VideoRange } from '../datasets/pictures/codecs.js';
export { computeStatistics } from '../datasets/statistics.js';
export {
  normalizeRows,
  type RowsAround,
  readAround,
  readWindows,
  type WindowBatch,
  type WindowSpec,
} from '../datasets/window-batch.js';
export { type AnchorOptions, anchors, episodeOf, order, type WindowLengths } from '../datasets/windows.js';
export type { FeatureMapping } from '../datasets/write/mapping.js';
export { type DatasetSink, type WriteOptions, type WriteResult, writeLeRobotDataset } from '../datasets/write/write-lerobot.js';
export { DatasetError } from '../foundation/errors.js';
export type { NormalizationMode, Normalizer, Unnormalizer } from '../spec/policy-spec.js';
