import { checkNumber } from '../foundation/options.js';
import { type OptionKind, option, type Read, readNumber } from './option-kinds.js';

/** `none`, or a bound. */
const readBound: Read = (text, where) => (text === 'none' ? null : readNumber(text, where));

/** The clamp of a chunk that the network of a method makes, in normalised action space; null: none. Default: the network's. */
export const NETWORK_CLIP: OptionKind<number | null, number | null | undefined> = option<number | null, number | null, undefined>(
  undefined,
  "clamp of the chunk, or none (the network's)",
  readBound,
  (where, name, value) =>
    value === null ? null : checkNumber(where, name, value, 'null or a finite number above 0', (bound) => bound > 0 && bound < Infinity),
);
