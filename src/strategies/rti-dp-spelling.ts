import { OptionError } from '../foundation/errors.js';
import type { Spelling, Values } from './define.js';
import { type Read, readNumber, readWord } from './option-kinds.js';

const readTimesteps: Read = (text, where) => (/^\d/.test(text) ? readNumbers(text, where) : text);
const readNumbers = (text: string, where: string): unknown[] => text.split('-').map((part) => readNumber(part, where));

/** A command line has no nested options: the rule for grippers spreads its own. */
export const RTI_DP_SPELLING: Spelling = {
  words: {
    timesteps: { help: 'timesteps between dashes that end at 0, or the name of a published list (push-t)', read: readTimesteps },
    gripper: { help: 'action dimensions that are open or closed, ascending between dashes, such as 9 or 9-19 (none)', read: readNumbers },
    factor: { help: 'they are remembered as ±1/factor; 10 with images, as published (1)', read: readNumber },
    remember: { help: 'decided, or unchanged, as they were made, without a factor (decided)', read: readWord },
  },
  build: rtiDpOptions,
  told: [[/^gripper: (?=factor|remember)/, '']],
};

function rtiDpOptions({ gripper, factor, remember, ...rest }: Values, where: string): Values {
  if (gripper === undefined && (factor !== undefined || remember !== undefined)) {
    throw new OptionError(`${where}: factor and remember belong to dimensions of a gripper: add gripper=9, or which they are`);
  }
  const rule = Object.entries({ dimensions: gripper, factor, remember }).filter(([, value]) => value !== undefined);
  return gripper === undefined ? rest : { ...rest, gripper: Object.fromEntries(rule) };
}
