import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { loadPolicy } from '../../platform/node/load-policy.js';
import type { Policy } from '../../policy/policy.js';
import { PRECISION_CHOICES } from '../../policy/precision.js';
import { parseStrategy } from '../../strategies/parse.js';
import { choiceOption, given, integerOption, profileOption } from '../../terminal/options.js';
import { Progress } from '../../terminal/progress.js';
import { checkpointFolders } from '../checkpoint-folders.js';
import { checkStrategies, noteUnused, readHeaders, readMethods, usualStrategy } from '../headers.js';
import { networksFrom, showLoading } from '../load.js';

/** Options of `warmstep serve` about the policy and where it runs. */
export const POLICY_OPTIONS = {
  policy: { type: 'string' },
  predictor: { type: 'string' },
  network: { type: 'string', multiple: true },
  strategy: { type: 'string' },
  seed: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
} as const;

type PolicyValues = { readonly [Name in Exclude<keyof typeof POLICY_OPTIONS, 'network'>]?: string } & {
  readonly network?: readonly string[];
};

/** A policy that the command line names, before its weights are read. */
export interface NamedPolicy {
  readonly folder: string;
  readonly checkpoint: PolicyCheckpoint;
  load(signal: AbortSignal): Promise<Policy>;
}

/** Checks all that can be known before the weights are read. @throws UsageError, OptionError, CheckpointError. */
export async function namedPolicy(values: PolicyValues): Promise<NamedPolicy> {
  const chosen = values.strategy === undefined ? undefined : parseStrategy(values.strategy);
  const precision = choiceOption('precision', values.precision, PRECISION_CHOICES);
  const seed = integerOption('seed', values.seed);
  const profile = profileOption(values.profile);
  const { policy: folder, predictor, methods } = await checkpointFolders(given(values));
  const checkpoint = await readHeaders(folder);
  const strategy = chosen ?? usualStrategy(checkpoint, predictor);
  const networks = await readMethods(methods);
  const needed = await checkStrategies(checkpoint, predictor, [strategy], networks);
  noteUnused([strategy], needed, { predictor: values.predictor, methods: networks });
  const load = async (signal: AbortSignal): Promise<Policy> => {
    const progress = new Progress();
    return loadPolicy(folder, {
      strategy: strategy.options,
      signal,
      onProgress: showLoading(progress),
      ...given({ precision, seed, profile, adapter: values.adapter, networks: networksFrom(predictor, methods) }),
    }).finally(() => progress.done());
  };
  return { folder, checkpoint, load };
}
