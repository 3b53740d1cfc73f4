import { OptionError } from '../../foundation/errors.js';

/** The error for a data set without a window to learn from. `wanted`: what its episodes must do besides being long enough. */
export function noWindows(
  where: string,
  dataset: string,
  dropLastFrames: number,
  wanted = 'have everything that the policy reads',
): OptionError {
  return new OptionError(
    `${where}: expected episodes of ${dataset} that are longer than ${dropLastFrames} frames and ${wanted}, found none. See what is missing with ` +
      '`warmstep dataset inspect`.',
  );
}
