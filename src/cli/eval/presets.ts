import type { LeftOutStrategy } from '../../evaluation/record.js';
import { parseStrategies } from '../../strategies/parse.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { choiceOption, UsageError } from '../../terminal/options.js';
import type { EvaluationSubject } from './subject.js';

/**
 * Lists of strategies by name. `paper`: what STEP's paper compares (its tables 2 to 5) and cites, STEP 2 first, because differences are to the first;
 * those whose decisions take longest come last, so that most is there if the rest is not waited for.
 */
const PRESETS = {
  paper: [
    'step:2,step:4,step:1',
    'ddim:10,ddim:4,ddim:2,ddim:1',
    'dpm-solver++:4,dpm-solver++:2',
    'consistency:1,consistency:3,onedp,no-diffusion,bridger:5',
    'rti-dp,rnr-dp,sdp,falcon:10,ddpm:100',
  ].join(','),
} as const;

const EVALUATION_PRESETS = Object.keys(PRESETS) as (keyof typeof PRESETS)[];

/** Strategies of a preset, and of those the ones that are not wanted. */
export interface WantedPreset {
  readonly strategies: readonly NamedStrategy[];
  readonly without: readonly NamedStrategy[];
}

/** @throws UsageError for no such preset, and for `--without` alone or of a strategy that the preset does not have. */
export function presetOption(name: string | undefined, without: string | undefined): WantedPreset {
  const preset = choiceOption('preset', name, EVALUATION_PRESETS);
  if (preset === undefined) {
    if (without !== undefined) throw new UsageError('--without leaves out strategies of a preset: give --preset as well');
    return { strategies: [], without: [] };
  }
  const strategies = parseStrategies(PRESETS[preset]);
  const unwanted = without === undefined ? [] : parseStrategies(without);
  const unknown = unwanted.find((one) => !strategies.some((strategy) => strategy.name === one.name));
  if (unknown) {
    throw new UsageError(
      `--without: preset ${preset} has no ${unknown.name}, it has ${strategies.map((strategy) => strategy.name).join(', ')}`,
    );
  }
  return { strategies, without: unwanted };
}

/** Of a preset what the subject can run, in its order, and why the others are left out; what other options `added` is not, whatever the preset says. */
export async function chosenOf(
  { strategies, without }: WantedPreset,
  subject: Pick<EvaluationSubject, 'whyNot'>,
  added: readonly NamedStrategy[],
): Promise<{ readonly strategies: readonly NamedStrategy[]; readonly leftOut: readonly LeftOutStrategy[] }> {
  const chosen: NamedStrategy[] = [];
  const leftOut: LeftOutStrategy[] = [];
  for (const strategy of strategies) {
    const isUnwanted = without.some(({ name }) => name === strategy.name);
    const why = isUnwanted ? 'left out with --without' : await subject.whyNot(strategy.options);
    if (why === undefined) chosen.push(strategy);
    else leftOut.push({ name: strategy.name, why });
  }
  return { strategies: chosen, leftOut: leftOut.filter(({ name }) => !added.some((one) => one.name === name)) };
}

/** What is left out, those of one reason together: "consistency:1, consistency:3: …". */
export function leftOutLines(leftOut: readonly LeftOutStrategy[]): string[] {
  const reasons = [...new Set(leftOut.map(({ why }) => why))];
  return reasons.map((why) => {
    const names = leftOut.filter((one) => one.why === why).map(({ name }) => name);
    return `${names.join(', ')}: ${why}`;
  });
}

/** What `--help` says of the presets. */
export const PRESETS_HELP = EVALUATION_PRESETS.map((name) => `${name}: ${PRESETS[name]}`).join('\n');
