import { type Dataset, FPS_BOUND } from '../../datasets/dataset.js';
import { type WriteResult, writeLeRobotDataset } from '../../datasets/write/write-lerobot.js';
import { datasetSink } from '../../platform/node/dataset-sink.js';
import { openDataset } from '../../platform/node/open-dataset.js';
import { OutputError } from '../../platform/node/output-file.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { count, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, positiveOption, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { facts } from '../../terminal/table.js';
import { localFolder } from '../local-folder.js';
import { inOptionNames } from '../option-names.js';
import { mappingOf } from './mappings.js';
import { TASK_FEATURES } from './task-features.js';

const OPTIONS = {
  fps: { type: 'string' },
  feature: { type: 'string', multiple: true },
  task: { type: 'string' },
  words: { type: 'string' },
  robot: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export async function convertDataset(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  atMost(positionals, 2);
  const [source, target] = positionals;
  if (source === undefined || target === undefined) throw new UsageError('the source folder or the target folder is missing');
  const task = choiceOption('task', values.task, [...TASK_FEATURES.keys()]);
  if (task !== undefined && values.feature !== undefined) throw new UsageError('--task and --feature exclude each other');
  const features = values.feature?.map(mappingOf);
  const fps = positiveOption('fps', values.fps, FPS_BOUND);
  return interruptible(async (signal) => {
    const dataset = await openDataset(await localFolder(source), given({ fps }));
    try {
      for (const warning of dataset.warnings) printNote(warning);
      const mappings = task === undefined ? features : TASK_FEATURES.get(task)?.(dataset);
      const sink = await datasetSink(target).catch((error: unknown) => {
        throw error instanceof OutputError ? new UsageError(error.message) : error;
      });
      const progress = new Progress();
      const onEpisode = (written: number, of: number): void => progress.update(`episode ${written} of ${of}`);
      const options = given({ features: mappings, task: values.words, robot: values.robot });
      const result = await inOptionNames({ task: 'words', robot: 'robot' }, () =>
        writeLeRobotDataset(dataset, sink, { ...options, onEpisode, signal }),
      ).finally(() => progress.done());
      report(dataset, target, result, values.json ?? false);
      return 0;
    } finally {
      await dataset.close();
    }
  });
}

function report(dataset: Dataset, target: string, { episodes, frames, features, leftOut }: WriteResult, json: boolean): void {
  if (json) {
    printJson({ source: dataset.name, format: dataset.format, target, episodes, frames, features, leftOut });
    return;
  }
  if (leftOut.length > 0)
    printNote(`${plural(leftOut.length, 'episode')} left out, because features are missing: see warmstep dataset inspect.`);
  if (!features.some(({ name }) => name.startsWith('observation.')) || !features.some(({ name }) => name === 'action')) {
    printNote('LeRobot expects features "observation.…" and "action": name them with --feature.');
  }
  print(
    facts([
      ['source', `${dataset.name}, ${dataset.format}, ${dataset.fps} fps`],
      ['written', `${target}: LeRobot v3.0, ${plural(episodes, 'episode')}, ${count(frames)} frames`],
      ...features.map(({ name, shape, kind }): [string, string] => [name, `${kind} [${shape.join(', ')}]`]),
    ]),
  );
}
