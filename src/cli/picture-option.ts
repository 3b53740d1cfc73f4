import { choiceOption, UsageError } from '../terminal/options.js';
import type { PictureChoice } from '../tuning/empty-encoder.js';

/** `--picture HEIGHTxWIDTH` and `--norm`, which needs it, of an image encoder without contents. @throws UsageError for anything else. */
export function pictureOption(text: string | undefined, norm: string | undefined): PictureChoice | undefined {
  const kind = choiceOption('norm', norm, ['batch', 'group']);
  if (text === undefined) return undefined;
  return { ...sidesOption('picture', text), norm: kind ?? 'batch' };
}

/** HEIGHTxWIDTH, at most four digits each. @throws UsageError for anything else. */
export function sidesOption(name: string, text: string): { readonly height: number; readonly width: number } {
  const [, height, width] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (!Number(height) || !Number(width)) throw new UsageError(`--${name} must be HEIGHTxWIDTH, e.g. 240x320, found "${text}"`);
  return { height: Number(height), width: Number(width) };
}
