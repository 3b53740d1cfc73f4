import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../checkpoints/source.js';
import type { TaskKind } from '../../envs/environment.js';
import { ofFile, SetupError } from '../../foundation/setup-error.js';
import { visible } from '../../foundation/visible.js';
import { readDemonstrations } from '../../mixture/demonstrations.js';
import { type KernelPolicy, kernelPolicy } from '../../mixture/kernel-policy.js';
import { packageInfo } from '../../platform/node/environment.js';
import { fileProblem } from '../../platform/node/file-problem.js';
import { readRegularFile } from '../../platform/node/regular-file.js';
import { inSpecWords } from '../../strategies/spec-words.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { plural } from '../../terminal/format.js';
import { UsageError } from '../../terminal/options.js';
import { hashFile } from './checkpoint-hash.js';
import { MOST_EPISODES } from './seeds.js';
import { type EvaluationSubject, refusal } from './subject.js';
import { isTask } from './tasks.js';

/** How `--policy` names a file of demonstrations in place of a checkpoint. */
const PREFIX = 'kernel:';

/** Far more than demonstrations that can be searched in a tick. */
const MOST_BYTES = 1_000_000_000;

/** Options of the command line that a kernel policy has no use for: it has neither files of networks nor a device. */
const OTHERS = ['predictor', 'network', 'precision', 'adapter', 'profile'] as const;

/** Whether `--policy` names demonstrations. */
export const isKernelPolicy = (named: unknown): named is string => typeof named === 'string' && named.startsWith(PREFIX);

/**
 * The kernel policy that `--policy kernel:FILE` names; undefined where it names something else.
 * @throws UsageError for options of a device beside it; SetupError for a file that cannot be read; CheckpointError for another file.
 */
export async function kernelSubject(values: Readonly<Record<string, unknown>>): Promise<EvaluationSubject | undefined> {
  const { policy: named } = values;
  if (!isKernelPolicy(named)) return undefined;
  const other = OTHERS.find((name) => values[name] !== undefined);
  if (other) throw new UsageError(`--${other}: a kernel policy has no networks and needs no device: leave it out`);
  const file = named.slice(PREFIX.length);
  const { policy, task: demonstrated, seeds } = await readKernelPolicy(file);
  const begin = (strategy: NamedStrategy): unknown => inSpecWords(strategy, () => policy.beginEpisode({ strategy: strategy.options }));
  return {
    taskFor: async (kind: TaskKind, strategies) => {
      const task = kind.forPolicy(policy.info);
      checkDemonstrated(file, demonstrated, kind.name);
      for (const strategy of strategies) begin(strategy);
      return task;
    },
    whyNot: (strategy) => refusal(() => begin(strategy)),
    noteOn: (seed, episodes) => foreignSeeds(seeds, seed, episodes),
    use: async (_signal, then) =>
      then(policy, { common: { version: packageInfo().version, demonstrations: hashFile(file) }, networks: new Map() }),
  };
}

/**
 * Sizes alone do not tell tasks apart, and a policy of another one solves nothing. Options of the simulator may differ, and files of other makers may name
 * what they like. @throws UsageError
 */
function checkDemonstrated(file: string, demonstrated: string | undefined, task: string): void {
  const [found = '', wanted] = [demonstrated, task].map((name) => name?.split('/')[0]);
  if (found === wanted || !isTask(found)) return;
  throw new UsageError(
    `--policy: ${visible(file)} has demonstrations of ${found}, and the task is ${task}: give those of ${wanted}, which warmstep demonstrations ${wanted} writes`,
  );
}

/** What is told where seeds are none of the demonstrated ones, which are all that a kernel policy knows; undefined where all are. */
export function foreignSeeds(demonstrated: ReadonlySet<number>, seed: number, episodes: number): string | undefined {
  if (demonstrated.size === 0) return undefined;
  const foreign = Array.from({ length: episodes }, (_, i) => seed + i).filter((one) => !demonstrated.has(one)).length;
  if (foreign === 0) return undefined;
  const { first, count } = longestRun(demonstrated);
  return (
    `${foreign} of ${plural(episodes, 'seed')} ${foreign === 1 ? 'was' : 'were'} not demonstrated, and a kernel policy generalises to nothing: ` +
    `for what it can do, --seed ${first} --episodes ${Math.min(count, MOST_EPISODES)}`
  );
}

/** Of consecutive seeds: those that an expert failed are not demonstrated, and an evaluation has no gaps. The first of equal ones. */
function longestRun(seeds: ReadonlySet<number>): { readonly first: number; readonly count: number } {
  let longest = { first: 0, count: 0 };
  let run = longest;
  for (const seed of [...seeds].sort((a, b) => a - b)) {
    run = seed === run.first + run.count ? { ...run, count: run.count + 1 } : { first: seed, count: 1 };
    if (run.count > longest.count) longest = run;
  }
  return longest;
}

interface KernelFile {
  readonly policy: KernelPolicy;
  readonly task: string | undefined;
  /** That were demonstrated; none where the file does not say. */
  readonly seeds: ReadonlySet<number>;
}

/** @throws SetupError for a file that is none of demonstrations, CheckpointError. */
async function readKernelPolicy(file: string): Promise<KernelFile> {
  let bytes: Uint8Array;
  try {
    bytes = readRegularFile(file, MOST_BYTES);
  } catch (error) {
    throw new SetupError(
      `--policy: ${file} cannot be read (${fileProblem(error)}): give a file of demonstrations, as warmstep demonstrations writes it`,
    );
  }
  const source = await memorySource('demonstrations', { [file]: bytes }).open(file);
  return ofFile(async () => {
    const tensors = await SafetensorsFile.open(source);
    const policy = kernelPolicy(await readDemonstrations(tensors));
    const task = tensors.metadata.get('task');
    // Files of other makers may call other things so, which is no reason to refuse them.
    const hasSeeds = tensors.tensors.has('seed') && isTask(task?.split('/')[0] ?? '');
    return { policy, task, seeds: new Set(hasSeeds ? await tensors.readIntegers('seed') : []) };
  }, file);
}
