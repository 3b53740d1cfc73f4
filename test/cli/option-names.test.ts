import { expect, it } from 'vitest';
import { inOptionNames } from '../../src/cli/option-names.js';
import { OPTION_NAMES } from '../../src/cli/train/jobs.js';
import { DatasetError, HalfRangeError, OptionError } from '../../src/foundation/errors.js';
import { SetupError } from '../../src/foundation/setup-error.js';

const told = async (message: string): Promise<string> => {
  const refused = inOptionNames(OPTION_NAMES, () => Promise.reject(new OptionError(message)));
  return refused.then(
    () => '',
    (error: OptionError) => error.message,
  );
};

it.each([
  ['trainPolicy: batchSize must be an integer from 1 to 65536, found 0.', '--batch must be an integer from 1 to 65536, found 0.'],
  ['trainPredictor: sizes: historySteps must be an integer', '--history-steps must be an integer'],
  [
    'trainPredictor: sizes.historySteps must be at most the horizon 16, found 20.',
    '--history-steps must be at most the horizon 16, found 20.',
  ],
  ['trainPolicy: optimizer: clipNorm must be a number above 0, or null, found 0.', '--clip must be a number above 0, or null, found 0.'],
  ['trainPredictor: history: noise must be a number', '--history-noise must be a number'],
  [
    'trainPolicy: horizon must be a multiple of 8 for 3 downDims, found 12.',
    '--horizon must be a multiple of 8 for 3 --down-dims, found 12.',
  ],
  ['writeLeRobotDataset: expected at least one feature, found none.', 'expected at least one feature, found none.'],
  // Words that are no options here.
  [
    'trainPolicy: horizon must be a multiple of 8, found "horizon" of "batchSize is": see /data/batchSize/1 and observation.imageKeys.',
    '--horizon must be a multiple of 8, found "horizon" of "batchSize is": see /data/batchSize/1 and observation.imageKeys.',
  ],
  ['trainCvae: "steps" and batchSize go together.', '"steps" and --batch go together.'],
  ['strategy DDIM: steps must be an integer from 1 to 100, found 0.', 'strategy DDIM: steps must be an integer from 1 to 100, found 0.'],
  ['policy "x" reads noise of a horizon', 'policy "x" reads noise of a horizon'],
])('an API says "%s"', async (message, expected) => {
  expect(await told(message)).toBe(expected);
});

it('leaves other errors, and what is returned, alone', async () => {
  const message = 'trainPolicy: batchSize must be mended';
  for (const error of [new DatasetError(message), new SetupError(message), new HalfRangeError(message)]) {
    await expect(inOptionNames(OPTION_NAMES, () => Promise.reject(error))).rejects.toBe(error);
  }
  expect(await inOptionNames(OPTION_NAMES, () => 7)).toBe(7);
});
