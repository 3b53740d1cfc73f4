import { CheckpointError } from '../../foundation/errors.js';
import type { Normalizer } from '../../spec/policy-spec.js';
import { type JsonObject, readJsonObject } from '../json-object.js';
import { SafetensorsFile } from '../safetensors/safetensors.js';
import { type CheckpointSource, listed } from '../source.js';
import type { FileFeature, PolicyFeatures } from './features.js';
import { identityNormalizer, identityUnnormalizer, MODES, normalizerFrom, type Statistics, unnormalizerFrom } from './normalizers.js';
import { warnOfOddStatistics } from './odd-statistics.js';
import { POST, PRE } from './processor-files.js';
import { type ProcessorStep, readSteps, type StepKind } from './processor-steps.js';
import { missingStatistics, type PolicyNormalization, readStatistic } from './statistics.js';

/** Statistics of dialect C, found through the processor files (LeRobot processor/pipeline.py, normalize_processor.py). */
export async function processorNormalization(
  source: CheckpointSource,
  files: readonly string[],
  features: PolicyFeatures,
  warnings: string[],
): Promise<PolicyNormalization> {
  const pre = await readPipeline(source, files, PRE, 'unnormalizer', warnings);
  const post = await readPipeline(source, files, POST, 'normalizer', warnings);
  const state = new StateFiles(source);
  const observations = [];
  for (const feature of features.observations) {
    const { rawName, nameAtNormalizer } = traceBack(pre, feature.name);
    const normalizer = await observationNormalizer(state, only(pre, 'normalizer'), feature, nameAtNormalizer, warnings);
    observations.push({ rawName, normalizer });
  }
  const step = only(post, 'unnormalizer');
  if (step === undefined) {
    warnings.push(`${source.name}: the post-processor has no unnormalizer_processor; actions stay in network units.`);
  }
  const statistics = step && (await state.read(step, features.action, features.action.name, 'ACTION'));
  if (statistics !== undefined) warnOfOddStatistics(statistics, 'action', warnings);
  const action = statistics === undefined ? identityUnnormalizer(features.action.size) : unnormalizerFrom(statistics);
  return { observations, action };
}

async function readPipeline(
  source: CheckpointSource,
  files: readonly string[],
  ending: string,
  refused: StepKind,
  warnings: string[],
): Promise<ProcessorStep[]> {
  const candidates = files.filter((file) => file.endsWith(ending));
  const [file] = candidates.includes(`policy_${ending}`) ? [`policy_${ending}`] : candidates;
  if (file === undefined || (candidates.length > 1 && file !== `policy_${ending}`)) {
    throw new CheckpointError(
      `${source.name}: expected "policy_${ending}" or one file ending in "${ending}", found ` +
        `${listed(candidates)}. Copy the whole checkpoint folder.`,
    );
  }
  return readSteps(await readJsonObject(await source.open(file)), refused, warnings);
}

function only(steps: readonly ProcessorStep[], kind: StepKind): ProcessorStep | undefined {
  const [step, second] = steps.filter((candidate) => candidate.kind === kind);
  if (second !== undefined) {
    throw new CheckpointError(`${second.where}: expected one ${kind} step, found two. Export the checkpoint again.`);
  }
  return step;
}

/** Follows a feature's name from the policy back to the robot, through every rename wherever it stands. */
function traceBack(steps: readonly ProcessorStep[], name: string): { rawName: string; nameAtNormalizer: string } {
  let rawName = name;
  let nameAtNormalizer = name;
  for (const { kind, config } of [...steps].reverse()) {
    if (kind === 'normalizer') nameAtNormalizer = rawName;
    if (kind !== 'rename') continue;
    const renames = [...config.object('rename_map').entries()];
    const sources = renames.filter(([, to]) => to === rawName).map(([from]) => from);
    const isRenamedAway = renames.some(([from, to]) => from === rawName && to !== rawName);
    if (sources.length > 1 || (sources.length === 0 && isRenamedAway)) {
      config.fail('rename_map', `a map that leads to "${rawName}" from one name`);
    }
    rawName = sources[0] ?? rawName;
  }
  return { rawName, nameAtNormalizer };
}

async function observationNormalizer(
  state: StateFiles,
  step: ProcessorStep | undefined,
  feature: FileFeature,
  name: string,
  warnings: string[],
): Promise<Normalizer> {
  const raw = (reason: string): Normalizer => {
    warnings.push(`${reason}; "${feature.name}" goes into the network in raw units.`);
    return identityNormalizer(feature.size);
  };
  if (step === undefined) return raw(`${state.name}: the pre-processor has no normalizer_processor`);
  const keys = 'normalize_observation_keys';
  if (!step.config.isNull(keys) && !step.config.strings(keys).includes(name)) {
    return identityNormalizer(feature.size);
  }
  const listedFeatures = step.config.object('features');
  if (!listedFeatures.has(name)) return raw(`${step.where}: "${name}" is not among the normaliser's features`);
  const statistics = await state.read(step, feature, name, listedFeatures.object(name).string('type'));
  if (statistics === undefined) return identityNormalizer(feature.size);
  warnOfOddStatistics(statistics, 'observation', warnings);
  return normalizerFrom(statistics);
}

/** The statistics files of a checkpoint, each opened once. */
class StateFiles {
  readonly #source: CheckpointSource;
  readonly #open = new Map<string, SafetensorsFile>();

  constructor(source: CheckpointSource) {
    this.#source = source;
  }

  get name(): string {
    return this.#source.name;
  }

  /** The pair that the step's own norm_map asks for; undefined when the feature's type is not normalised. */
  async read(step: ProcessorStep, feature: FileFeature, name: string, type: string): Promise<Statistics | undefined> {
    const map: JsonObject = step.config.object('norm_map');
    const key = map.has(type) ? map.string(type).toUpperCase() : 'IDENTITY';
    if (key === 'IDENTITY') return undefined;
    const found = MODES.get(key);
    if (found === undefined) map.unsupported(type, `IDENTITY, ${[...MODES.keys()].join(', ')} are`);
    if (step.stateFile === undefined) missingStatistics(step.where, name, key, found.pair);
    const file = await this.#file(step.stateFile);
    const [first, second] = found.pair.map((stat) => `${name}.${stat}`) as [string, string];
    const where = `${file.name}, feature "${name}"`;
    if (!file.tensors.has(first) || !file.tensors.has(second)) missingStatistics(where, name, key, found.pair);
    return {
      mode: found.mode,
      first: await readStatistic(file, first, feature),
      second: await readStatistic(file, second, feature),
      eps: step.config.number('eps', { fallback: 1e-8, above: 0, below: 1 }),
      epsAdded: false,
      where,
    };
  }

  async #file(name: string): Promise<SafetensorsFile> {
    const file = this.#open.get(name) ?? (await SafetensorsFile.open(await this.#source.open(name)));
    this.#open.set(name, file);
    return file;
  }
}
