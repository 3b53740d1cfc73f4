import { CheckpointError, UnsupportedCheckpointError, WarmstepError } from '../foundation/errors.js';
import { type CheckpointSource, listed } from './source.js';

const MODEL = 'model.safetensors';

/** The name of the weights file, or an error that says what to do about what is there instead. */
export async function modelFile(source: CheckpointSource, files: readonly string[]): Promise<string> {
  if (files.includes(MODEL)) return MODEL;
  const { name: folder } = source;
  if (files.includes(`${MODEL}.index.json`)) {
    throw new UnsupportedCheckpointError(
      `${folder}: expected "${MODEL}", found a model split into several ` +
        'files. Merge them: load the policy in Python and save it again as one file.',
    );
  }
  const below = (await source.foldersWith?.(MODEL)) ?? [];
  if (below.length > 0) {
    // Whole paths, to be given as they are.
    const paths = below.map((path) => `"${path}"`).join(', ');
    throw new CheckpointError(
      `${folder}: expected "${MODEL}", found it in the folder ${paths} below. Give ${below.length > 1 ? 'one of these' : 'that'}: ` +
        `the folder that holds config.json and ${MODEL} itself.`,
    );
  }
  const pickles = files.filter((file) => /\.(ckpt|pth?|bin)$/.test(file));
  if (pickles.length > 0) {
    throw new UnsupportedCheckpointError(
      `${folder}: expected "${MODEL}", found ${listed(pickles, 3)}. Pickled ` +
        'checkpoints can run code and are not read. Convert it in Python: load it with torch.load, take ' +
        `state_dicts["ema_model"] of a Diffusion Policy .ckpt, write it with safetensors.torch.save_file to "${MODEL}", ` +
        'and put a LeRobot-style config.json beside it.',
    );
  }
  const dataset = await datasetIn(source, files);
  if (dataset !== undefined) {
    throw new CheckpointError(
      `${folder}: expected "${MODEL}", found a data set (${dataset}). Give the folder of a checkpoint; \`warmstep dataset inspect\` describes this one.`,
    );
  }
  throw new CheckpointError(`${folder}: expected "${MODEL}", found ${listed(files)}. Copy the whole checkpoint folder.`);
}

/** Files that only data sets of demonstrations have: arrays, LeRobot's, zarr of either version. The folders of some are not listed. */
const OF_DATASETS = ['episode_ends.i32', '.zgroup'] as const;
const BELOW_DATASETS = ['meta/info.json', 'meta/episode_ends/.zarray', 'meta/episode_ends/zarr.json'] as const;

/** What tells a data set of some format, where it is one that was given in place of a checkpoint: of the folder itself, not of data sets that lie in it. */
async function datasetIn(source: CheckpointSource, files: readonly string[]): Promise<string | undefined> {
  const own = OF_DATASETS.find((file) => files.includes(file));
  if (own !== undefined) return own;
  for (const file of BELOW_DATASETS) if (await isThere(source, file)) return file;
  return undefined;
}

async function isThere(source: CheckpointSource, file: string): Promise<boolean> {
  try {
    await source.open(file);
    return true;
  } catch (error) {
    // A load that was stopped ends with the reason of its signal.
    if (error instanceof WarmstepError) return false;
    throw error;
  }
}
