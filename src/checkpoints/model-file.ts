import { CheckpointError, UnsupportedCheckpointError } from '../foundation/errors.js';
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

/** What tells a data set of some format, where it is one that was given in place of a checkpoint. */
async function datasetIn(source: CheckpointSource, files: readonly string[]): Promise<string | undefined> {
  const own = ['episode_ends.i32', '.zgroup'].find((file) => files.includes(file));
  if (own !== undefined) return own;
  const folders = (await source.foldersWith?.('info.json')) ?? [];
  // Of the folder itself, not of data sets that lie in it.
  return folders.some((path) => path === 'meta' || /^(.*)[\\/]meta$/.exec(path)?.[1]?.endsWith(source.name)) ? 'meta/info.json' : undefined;
}
