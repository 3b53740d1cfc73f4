import { SOLVER_NAMES } from '../diffusion/solver-step.js';
import { WARM_START_MODES } from '../diffusion/warm-start.js';
import { OptionError } from '../foundation/errors.js';
import type { Spelling, Values } from './define.js';
import { readNumber, readToggle, readWord } from './option-kinds.js';
import { START_SCALES } from './step-options.js';

/** A command line has no nested options: start, cold and stall spread theirs. */
export const STEP_SPELLING: Spelling = {
  words: {
    budget: { help: 'network evaluations per warm decision (2)', read: readNumber },
    start: { help: `${WARM_START_MODES.join(', ')} (forward-noise)`, read: readWord },
    sigma: { help: 'scale of the prediction, of eq13, train-index and snr-matched (1)', read: readNumber },
    sigmaT: { help: 'scale of the noise, of all starts but forward-noise (0.1)', read: readNumber },
    cold: { help: 'the first decision: zero-history, or a solver and its steps (ddim-16)', read: readWord },
    stall: { help: 'more noise where the robot stands still (off, on where one of the following is given)', read: readToggle },
    eps: { help: 'distance of chunks below which it stands still (0.01)', read: readNumber },
    norm: { help: 'rms, l2 or linf (rms)', read: readWord },
    rows: { help: 'executed or all (executed)', read: readWord },
    space: { help: 'normalized or raw (normalized)', read: readWord },
    sigmaScale: { help: 'scale of the prediction in a standstill (0.4)', read: readNumber },
    sigmaStall: { help: 'scale of the noise in a standstill (1.2)', read: readNumber },
    predictor: { help: 'network or shift: the previous chunk moved on by the executed rows (network)', read: readWord },
    history: { help: 'rows of the previous chunk that are shown: full, executed, tail or none (full)', read: readWord },
  },
  build: stepOptions,
  told: [
    [/^warmStart: mode /, 'start '],
    [/^(?:warmStart|stall): /, ''],
    [/^coldStart: /, 'cold: '],
  ],
};

const STALL_KEYS = ['eps', 'norm', 'rows', 'space', 'sigmaScale', 'sigmaStall'];

function stepOptions(values: Values, where: string): Values {
  const { start, sigma, sigmaT, cold, stall, ...rest } = values;
  const stallOptions = Object.fromEntries(STALL_KEYS.filter((key) => key in rest).map((key) => [key, rest[key]]));
  const others = Object.fromEntries(Object.entries(rest).filter(([key]) => !STALL_KEYS.includes(key)));
  const usesStall = stall === true || (stall === undefined && Object.keys(stallOptions).length > 0);
  const mixture = Object.fromEntries(Object.entries({ sigma, sigmaT }).filter(([, value]) => value !== undefined));
  checkMixture(start ?? 'forward-noise', Object.keys(mixture), where);
  return {
    ...others,
    ...(start === undefined ? {} : { warmStart: { mode: start, ...mixture } }),
    ...(cold === undefined ? {} : { coldStart: coldStart(cold as string, where) }),
    ...(usesStall ? { stall: stallOptions } : {}),
  };
}

/** Refuses scales that a start does not have; whether there is such a start is checked where a strategy is made. */
function checkMixture(start: unknown, scales: readonly string[], where: string): void {
  const mode = WARM_START_MODES.find((one) => one === start);
  const has = (one: keyof typeof START_SCALES, scale: string): boolean => START_SCALES[one].some((own) => own === scale);
  const foreign = mode && scales.find((scale) => !has(mode, scale));
  if (foreign === undefined) return;
  const others = WARM_START_MODES.filter((one) => has(one, foreign)).join(', start=');
  throw new OptionError(`${where}: the start ${start} has no ${foreign}: leave it out, or take start=${others}`);
}

/** `zero-history`, or a solver with its steps, e.g. ddim-16. */
function coldStart(text: string, where: string): object {
  if (text === 'zero-history') return { mode: text };
  const found = /^(ddpm|ddim|dpm-solver\+\+)-(\d+)$/.exec(text);
  const name = SOLVER_NAMES.find((candidate) => candidate.toLowerCase() === found?.[1]);
  if (!found || !name)
    throw new OptionError(`${where}: cold must be zero-history, or a solver and its steps such as ddim-16, found "${text}"`);
  return { mode: 'noise', solver: name, steps: Number(found[2]) };
}
