import { memorySource } from '../../src/checkpoints/source.js';
import type { Dataset } from '../../src/datasets/dataset.js';
import { openDataset } from '../../src/datasets/open-dataset.js';
import { WarmstepError } from '../../src/foundation/errors.js';
import { seeded } from './bounded-source.js';
import { type DatasetFileMap, leRobotFiles } from './datasets.js';
import { mutatedBytes, mutatedJson, mutatedText } from './file-mutants.js';
import { processorTime } from './processor-time.js';
import { replayBuffer } from './zarr.js';

/** No mutant may take more of a processor. */
const MOST_MS = 1000;
/** Nor may memory grow by more: what decoders allocate follows from the bytes that are there. */
const MOST_BYTES = 64 << 20;
/** Other work on the machine may disturb one measurement. */
const TRIES = 3;

export const DATASETS: Readonly<Record<string, () => Promise<DatasetFileMap>>> = {
  'a LeRobot data set': () => leRobotFiles([5, 3, 10], { fileBytes: 1500 }),
  'a replay buffer in zarr': () => replayBuffer(),
};

type Random = (limit: number) => number;

/** A data set with a change to one of its files, and in words which. */
export function datasetMutant(files: DatasetFileMap, index: number): { files: DatasetFileMap; what: string } {
  const random: Random = seeded(index + 1);
  const paths = Object.keys(files);
  const path = paths[random(paths.length)] as string;
  const content = files[path] as Uint8Array | string;
  if (random(40) === 0) {
    const { [path]: _, ...others } = files;
    return { files: others, what: `without ${path}` };
  }
  return { files: { ...files, [path]: changed(content, random) }, what: path };
}

function changed(content: Uint8Array | string, random: Random): Uint8Array | string {
  if (typeof content !== 'string') {
    // The footer of a parquet file, where everything is said, is small beside the rest: half of the changes are there.
    const from = random(2) === 0 ? Math.max(0, content.length - 2000) : 0;
    return mutatedBytes(content, from, content.length, random);
  }
  if (random(3) === 0) return mutatedText(content, random);
  try {
    return JSON.stringify(mutatedJson(JSON.parse(content), random)) ?? '';
  } catch {
    return mutatedText(content, random);
  }
}

async function readAll(files: DatasetFileMap): Promise<number> {
  const dataset = await openDataset(memorySource('mutant', files), files['meta/info.json'] === undefined ? { fps: 10 } : {});
  let refused = 0;
  for (const feature of dataset.features) {
    for (const { from, to, missing } of dataset.episodes) {
      if (missing.some((part) => part.feature === feature.name)) continue;
      try {
        await readEpisode(dataset, feature.name, feature.kind === 'vector' ? feature.size : undefined, from, to);
      } catch (error) {
        if (!(error instanceof WarmstepError)) throw error;
        refused++;
      }
    }
  }
  await dataset.close();
  return refused;
}

async function readEpisode(dataset: Dataset, name: string, size: number | undefined, from: number, to: number): Promise<void> {
  if (size === undefined) {
    for await (const { data, height, width } of dataset.readPictures(name, from, to)) {
      if (data.length !== height * width * 3) throw new Error(`a picture of ${data.length} bytes`);
    }
    return;
  }
  const rows = await dataset.readRows(name, from, to);
  if (rows.length !== (to - from) * size) throw new Error(`${rows.length} numbers of ${to - from} rows`);
  const wrong = rows.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new Error(`${rows[wrong]} at ${wrong} of "${name}"`);
}

export interface MutantCount {
  readonly read: number;
  readonly refused: number;
  readonly longestMs: number;
}

/**
 * Opens mutants [first, first + count) and reads all of them: each gives errors of ours, or as many finite numbers as it says that it
 * has, at once and in bounded memory. Numbers that were changed to others cannot be told from right ones.
 * @throws an Error that names the mutant.
 */
export async function runDatasetMutants(name: string, first: number, count: number): Promise<MutantCount> {
  const original = await (DATASETS[name] as () => Promise<DatasetFileMap>)();
  if ((await readAll(original)) > 0) throw new Error(`${name}, unchanged, is refused`);
  let [read, refused, longestMs] = [0, 0, 0];
  for (let index = first; index < first + count; index++) {
    const { files, what } = datasetMutant(original, index);
    const fail = (reason: string, cause?: unknown): never => {
      throw new Error(`${name}, mutant ${index} (${what}): ${reason}`, { cause });
    };
    let [ms, bytes, problems] = [Infinity, Infinity, 0];
    for (let tries = 0; tries < TRIES && (ms > MOST_MS || bytes > MOST_BYTES); tries++) {
      const [spent, before] = [processorTime(), usedBytes()];
      problems = await readAll(files).catch((error: unknown) =>
        error instanceof WarmstepError ? 1 : fail(`gave ${String(error)}`, error),
      );
      [ms, bytes] = [spent(), usedBytes() - before];
    }
    if (ms > MOST_MS) fail(`took ${ms} ms`);
    if (bytes > MOST_BYTES) fail(`took ${bytes} bytes`);
    longestMs = Math.max(longestMs, ms);
    if (problems > 0) refused++;
    else read++;
  }
  return { read, refused, longestMs };
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
