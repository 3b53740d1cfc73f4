import type { LeftOutStrategy } from '../../evaluation/record.js';
import { parseStrategies } from '../../strategies/parse.js';
import type { RtiDpTimestepsName } from '../../strategies/rti-dp.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { choiceOption, UsageError } from '../../terminal/options.js';
import type { EvaluationSubject } from './subject.js';

/**
 * Lists of strategies by name. `paper`: what STEP's paper compares (its tables 2 to 5) and cites, STEP 2 first, because differences are to the first;
 * those whose decisions take longest come last, so that most is there if the rest is not waited for.
 */
const PRESETS = {
  paper: (rtiDp: string) =>
    [
      'step:2,step:4,step:1',
      'ddim:10,ddim:4,ddim:2,ddim:1',
      'dpm-solver++:4,dpm-solver++:2',
      'consistency:1,consistency:3,onedp,no-diffusion,bridger:5',
      `${rtiDp},rnr-dp,sdp,falcon:10,ddpm:100`,
    ].join(','),
} as const;

/** RTI-DP as the preset has it for a task: the published timesteps, by what is observed, and the gripper's dimensions. */
interface RtiDpOfTask {
  readonly numbers: RtiDpTimestepsName;
  readonly images: RtiDpTimestepsName;
  readonly gripper?: string;
}

/** Of tasks that are not named below; Push-T's for numbers is what RTI-DP has by itself. */
const PUSH_T: RtiDpOfTask = { numbers: 'push-t', images: 'push-t-image' };

const CAN: RtiDpOfTask = { numbers: 'can-clip', images: 'can-image-clip', gripper: '9' };

/**
 * Lists for policies whose gripper actions are not scaled (`clip`). With images two are published, for lift and can; the others have theirs for numbers, and tasks
 * without any have those of can, which begin with no less noise than any other.
 */
const WITH_GRIPPER: Readonly<Record<string, RtiDpOfTask>> = {
  lift: { numbers: 'lift-clip', images: 'lift-image-clip', gripper: '9' },
  can: CAN,
  square: { numbers: 'square-clip', images: 'square-clip', gripper: '9' },
  'stack-cube': CAN,
  transport: { numbers: 'transport-clip', images: 'transport-clip', gripper: '9-19' },
  'tool-hang': { numbers: 'toolhang-clip', images: 'toolhang-clip', gripper: '9' },
  'turn-faucet': CAN,
};

/**
 * Where a gripper opens and closes RTI-DP needs its rule for these dimensions, and remembers them as ±1 with numbers and as ±0.1 with images, as published. An
 * exact denoiser stands still before they change where it remembers ±1 (`test/mixture/rti-dp-gripper.test.ts`), so it has the factor of images always.
 */
function rtiDpFor({ task, isExact }: PresetSubject): string {
  const [family = '', ...options] = task.split('/');
  const hasImages = family.endsWith('-image') || options.includes('observations=image');
  const { numbers, images, gripper } = (Object.hasOwn(WITH_GRIPPER, family) ? WITH_GRIPPER[family] : undefined) ?? PUSH_T;
  const timesteps = hasImages ? images : numbers;
  return [
    'rti-dp',
    ...(timesteps === PUSH_T.numbers ? [] : [`timesteps=${timesteps}`]),
    ...(gripper === undefined ? [] : [`gripper=${gripper}`]),
    ...(gripper !== undefined && (hasImages || isExact) ? ['factor=10'] : []),
  ].join('/');
}

const EVALUATION_PRESETS = Object.keys(PRESETS) as (keyof typeof PRESETS)[];

/** Strategies that nobody named, a preset's or the usual ones, and of those the ones that are not wanted. */
export interface OptionalStrategies {
  readonly strategies: readonly NamedStrategy[];
  readonly without: readonly NamedStrategy[];
}

/** What a preset's lists depend on. */
export interface PresetSubject {
  /** As its kind is named, options behind slashes. */
  readonly task: string;
  /** Whether the policy is the exact denoiser of demonstrations, no network. */
  readonly isExact: boolean;
}

/** @throws UsageError for no such preset, and for `--without` of a strategy that the preset does not have. */
export function presetOption(name: string | undefined, without: string | undefined, subject: PresetSubject): OptionalStrategies {
  const preset = choiceOption('preset', name, EVALUATION_PRESETS);
  if (preset === undefined) return { strategies: [], without: [] };
  const strategies = parseStrategies(PRESETS[preset](rtiDpFor(subject)));
  const unwanted = (without === undefined ? [] : parseStrategies(without)).flatMap((one) => {
    const meant = strategies.filter((strategy) => isMeant(one, strategy));
    if (meant.length > 0) return meant;
    throw new UsageError(
      `--without: preset ${preset} has no ${one.name}, it has ${strategies.map((strategy) => strategy.name).join(', ')}`,
    );
  });
  return { strategies, without: unwanted };
}

/** A name without options stands for whatever the preset has of it: RTI-DP's are the task's, and nobody has to know them. */
function isMeant(wanted: NamedStrategy, strategy: NamedStrategy): boolean {
  const { name, ...others } = wanted.options;
  return strategy.name === wanted.name || (strategy.options.name === name && Object.keys(others).length === 0);
}

/** Of them what the subject can run, in their order, and why the others are left out; what other options `added` is not, whatever the preset says. */
export async function chosenOf(
  { strategies, without }: OptionalStrategies,
  subject: Pick<EvaluationSubject, 'whyNot'>,
  added: readonly NamedStrategy[],
): Promise<{ readonly strategies: readonly NamedStrategy[]; readonly leftOut: readonly LeftOutStrategy[] }> {
  const chosen: NamedStrategy[] = [];
  const leftOut: LeftOutStrategy[] = [];
  for (const strategy of strategies) {
    const isUnwanted = without.some(({ name }) => name === strategy.name);
    const why = isUnwanted ? 'left out with --without' : await subject.whyNot(strategy);
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
export const PRESETS_HELP = EVALUATION_PRESETS.map(
  (name) =>
    `${name}: ${PRESETS[name]('rti-dp')}; rti-dp as published for the task, for can: ${rtiDpFor({ task: 'can', isExact: false })}, with images ` +
    rtiDpFor({ task: 'can/observations=image', isExact: false }),
).join('\n');
