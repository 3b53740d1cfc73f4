import { type Dataset, type DatasetEpisode, FPS_BOUND, type StoredDataset, vectorFeatures } from '../../datasets/dataset.js';
import { openDataset } from '../../platform/node/open-dataset.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { checkWithout, parseCommandLine } from '../../terminal/command-line.js';
import { count, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, given, integerOption, positiveOption, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { localFolder } from '../local-folder.js';
import { outputFileOption } from '../output-options.js';
import { type CheckResult, checkAll } from './check.js';
import { datasetJson, datasetText } from './describe.js';
import { drawnRows } from './drawn-rows.js';
import { datasetReport } from './report.js';

const OPTIONS = {
  fps: { type: 'string' },
  episode: { type: 'string' },
  check: { type: 'boolean' },
  output: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export async function inspectDataset(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  atMost(positionals, 1);
  const [folder] = positionals;
  if (folder === undefined) throw new UsageError('the folder of the data set is missing');
  if (values.json) checkWithout<typeof OPTIONS>(values, ['episode'], '--json draws no episode');
  const fps = positiveOption('fps', values.fps, FPS_BOUND);
  const number = integerOption('episode', values.episode);
  const output = await outputFileOption('output', values.output, [folder]);
  return interruptible(async (signal) => {
    const place = await localFolder(folder);
    // Statistics that are computed end at the first fault, and the check is for all of them.
    let dataset = await openDataset(place, given({ fps, statistics: values.check ? ('none' as const) : undefined }));
    try {
      const episode = drawnEpisode(dataset, number);
      const check = values.check ? await checked(dataset, signal) : undefined;
      const isDamaged = check !== undefined && check.problems.length > 0;
      if (check !== undefined && !isDamaged) {
        await dataset.close();
        dataset = await openDataset(place, given({ fps }));
      }
      if (values.json) printJson({ ...datasetJson(dataset), ...given({ check }) });
      else print([datasetText(dataset, episode, await rowsOf(dataset, episode, isDamaged)), ...checkText(check)].join('\n\n'));
      if (output !== undefined) {
        await writeOutputFile(output, await datasetReport(dataset, isDamaged));
        printNote(`written: ${output}`);
      }
      return isDamaged ? 1 : 0;
    } finally {
      await dataset.close();
    }
  });
}

/** The one that was asked for, or the first that has all its vectors. */
function drawnEpisode(dataset: Dataset, number: number | undefined): DatasetEpisode | undefined {
  const vectors = vectorFeatures(dataset);
  const hasVectors = ({ missing }: DatasetEpisode): boolean => !vectors.some(({ name }) => missing.some(({ feature }) => feature === name));
  if (number === undefined) return dataset.episodes.find(hasVectors);
  const episode = dataset.episodes.find(({ index }) => index === number);
  if (episode === undefined)
    throw new UsageError(`--episode must be one of the ${dataset.episodes.length} episodes, from 0, found ${number}`);
  return episode;
}

async function rowsOf(dataset: Dataset, episode: DatasetEpisode | undefined, isDamaged: boolean): Promise<Map<string, Float32Array>> {
  const rows = new Map<string, Float32Array>();
  if (episode === undefined) return rows;
  for (const { name } of vectorFeatures(dataset)) {
    if (episode.missing.some(({ feature }) => feature === name)) continue;
    const found = await drawnRows(dataset, name, episode, isDamaged);
    if (found) rows.set(name, found);
  }
  return rows;
}

async function checked(dataset: StoredDataset, signal: AbortSignal): Promise<CheckResult> {
  const progress = new Progress();
  try {
    return await checkAll(dataset, (episode) => progress.update(`episode ${episode} of ${dataset.episodes.length}`), signal);
  } finally {
    progress.done();
  }
}

function checkText(check: CheckResult | undefined): string[] {
  if (check === undefined) return [];
  const { rows, pictures, problems, unlisted } = check;
  const read = `read ${count(rows)} rows of vectors and ${plural(pictures, 'picture')}`;
  if (problems.length === 0) return [`${read}: nothing is damaged`];
  const more = unlisted === 0 ? [] : [`  and ${unlisted} more`];
  return [[`${read}; ${plural(problems.length + unlisted, 'problem')}:`, ...problems.map((problem) => `  ${problem}`), ...more].join('\n')];
}
