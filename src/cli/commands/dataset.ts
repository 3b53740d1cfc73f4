import { parseCommandLine } from '../../terminal/command-line.js';
import { UsageError } from '../../terminal/options.js';
import type { Command } from '../command.js';
import { convertDataset } from '../dataset/convert.js';
import { inspectDataset } from '../dataset/inspect.js';
import { TASK_FEATURES } from '../dataset/task-features.js';

const USAGE = `usage: warmstep dataset inspect DIR [options]
       warmstep dataset convert SOURCE TARGET [options]

Data sets of demonstrations: LeRobot's folders v2.0 to v3.0, whole or not; Diffusion Policy's zarr; recordings (*.safetensors, an episode
each); arrays (*.f32 with episode_ends.i32); hf:datasets/OWNER/NAME on the Hugging Face Hub. Videos need ffmpeg. No GPU is needed.

inspect prints episodes, features, statistics and what is missing, and draws an episode.
  --episode N      the episode to draw (default: the first that is all there)
  --check          read all rows and pictures, and list what is damaged; exit code 1 if anything is
  --output FILE    an HTML page with all dimensions of several episodes

convert writes a LeRobot v3.0 data set to an empty or new folder; pictures become PNG in its rows.
  --feature NEW=OLD[a:b]  a feature, of dimensions a … b−1 of another (without them: all); may be repeated (default: all, under their names)
  --task NAME      the features of LeRobot's policies for a task, from what Diffusion Policy recorded: ${[...TASK_FEATURES.keys()].join(', ')}
  --words TEXT     what was asked for, in words, for episodes that do not say it
  --robot NAME     the robot (default: as the source says)

  --fps N          frames per second, for formats that do not say it
  --json           one JSON object on standard output`;

export const datasetCommand: Command = {
  name: 'dataset',
  summary: 'Inspect a data set of demonstrations, or convert one to LeRobot v3.0.',
  usage: USAGE,
  run: async ([subject, ...args]) => {
    if (subject === 'inspect') return inspectDataset(args);
    if (subject === 'convert') return convertDataset(args);
    // An option in its place is refused as it is everywhere.
    if (subject !== undefined) parseCommandLine([subject], {});
    throw new UsageError(
      `what to do with a data set must be inspect or convert, found ${subject === undefined ? 'nothing' : `"${subject}"`}`,
    );
  },
};
