import { UsageError } from '../../terminal/options.js';

/** Frames per second, or undefined where the option was not given. */
export function fpsOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const fps = Number(text);
  if (!(fps > 0 && fps < 100_000)) throw new UsageError(`--fps must be a number above 0, found "${text}"`);
  return fps;
}
