import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { visible } from '../../foundation/visible.js';
import type { PredictorObservation, RawRows } from '../../spec/network-shapes.js';
import { type JsonObject, readJsonObject, shown } from '../json-object.js';
import { type StoredNames, storedNames, warnOfUnused } from '../lerobot/tensor-names.js';
import { modelFile } from '../model-file.js';
import { checkTensors, countWeights, type ExpectedTensor, FileTensors } from '../named-tensors.js';
import { openCheckpoint } from '../open-checkpoint.js';
import { SafetensorsFile } from '../safetensors/safetensors.js';
import type { CheckpointSource } from '../source.js';
import type { CvaeCheckpoint, LoadOptions, PredictorCheckpoint, StartCheckpoint } from '../types.js';
import { type ObservedBeside, readCvaePredictor, readImageCvae, readRawRows, readTransformer } from './predictor-config.js';
import { checkPredictorTensors, POSITION_TABLES, predictorTensorShapes } from './predictor-tensors.js';
import {
  cvaeTensors,
  IMAGE_NETWORK_PREFIXES,
  isBesideNetwork,
  smallEncoderTensors,
  TRAINING_ONLY,
  tokenProjectionTensors,
} from './small-encoder-tensors.js';

/** What a folder says that it is. */
const TYPES = ['step_predictor', 'step_image_predictor', 'step_image_cvae', 'cvae_predictor'] as const;
type StartType = (typeof TYPES)[number];

/** What the names of the networks' tensors begin with in files of image predictors, and in the file of a network that is alone. */
const PREFIXES: Readonly<Record<StartType, string>> = {
  step_predictor: '',
  step_image_predictor: IMAGE_NETWORK_PREFIXES.transformer,
  step_image_cvae: IMAGE_NETWORK_PREFIXES.cvae,
  cvae_predictor: '',
};

/** Whether a configuration is that of a network that makes starts. */
export function isStartType(type: unknown): boolean {
  return TYPES.some((known) => known === type);
}

/**
 * Reads the folder of a STEP predictor (docs/predictor-format.md) and checks all of it but the values of the weights.
 * Takes ownership of the source as loadPolicyCheckpoint does. Throws CheckpointError.
 */
export async function loadPredictorCheckpoint(given: CheckpointSource, options: LoadOptions = {}): Promise<PredictorCheckpoint> {
  const start = await loadChecked('loadPredictorCheckpoint', given, options, ['step_predictor', 'step_image_predictor']);
  return start as PredictorCheckpoint;
}

/** The same for any network that makes starts: a STEP predictor, or a CVAE. `beside`: what the policy observes that it is for. */
export function loadStartCheckpoint(given: CheckpointSource, options: LoadOptions = {}, beside?: ObservedBeside): Promise<StartCheckpoint> {
  return loadChecked('loadStartCheckpoint', given, options, TYPES, beside);
}

async function loadChecked(
  where: string,
  given: CheckpointSource,
  options: LoadOptions,
  accepted: readonly StartType[],
  beside?: ObservedBeside,
): Promise<StartCheckpoint> {
  return openCheckpoint(where, given, options, (source, signal) => load(source, signal, accepted, beside));
}

async function load(
  source: CheckpointSource,
  signal: LoadOptions['signal'],
  accepted: readonly StartType[],
  beside: ObservedBeside | undefined,
): Promise<StartCheckpoint> {
  signal?.throwIfAborted();
  const warnings: string[] = [];
  const model = await modelFile(source, await source.list());
  const json = await readJsonObject(await source.open('config.json'));
  const type = readType(json, accepted);
  const network = readNetwork(json, type, beside);
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const stored = storedNames(file);
  const names = canonicalNames(stored, PREFIXES[type]);
  const weights = new FileTensors(file, names, (name) => (isBesideNetwork(name) ? name : PREFIXES[type] + name));
  const trained = check(weights, network);
  signal?.throwIfAborted();
  const tables = network.kind === 'transformer' ? POSITION_TABLES : [];
  const read = [...trained, ...tables, ...(network.kind === 'cvae' ? [...names.keys()].filter((name) => TRAINING_ONLY.test(name)) : [])];
  const used = new Set(read.map((name) => names.get(name)!));
  warnOfUnused(file, stored, used, warnings);
  const { parameters, bytes } = countWeights(weights, trained);
  return {
    name: source.name,
    ...network,
    weights,
    parameters,
    weightBytes: bytes,
    warnings: warnings.map(visible),
    assertUnchanged: async () => source.assertUnchanged?.(),
    close: () => source.close(),
  };
}

/** What config.json describes. */
type Network = Pick<PredictorCheckpoint, 'kind' | 'config' | 'observation'> | Pick<CvaeCheckpoint, 'kind' | 'config' | 'observation'>;

function readNetwork(json: JsonObject, type: StartType, beside: ObservedBeside | undefined): Network {
  const conditioning: PredictorObservation = { kind: 'conditioning' };
  switch (type) {
    case 'step_predictor':
      return { kind: 'transformer', config: readTransformer(json), observation: conditioning };
    case 'step_image_predictor':
      return { kind: 'transformer', config: readTransformer(json), observation: readRawRows(json) };
    case 'step_image_cvae':
      return { kind: 'cvae', ...readImageCvae(json) };
    case 'cvae_predictor':
      return { kind: 'cvae', ...readCvaePredictor(json, beside) };
    default:
      return type satisfies never;
  }
}

/** Checks all tensors; returns the names of those that were trained. */
function check(weights: FileTensors, network: Network): string[] {
  const raw: RawRows | undefined = network.observation.kind === 'raw' ? network.observation : undefined;
  const others = new Map<string, ExpectedTensor>(raw ? smallEncoderTensors(raw) : []);
  if (network.kind === 'cvae') {
    for (const [name, tensor] of cvaeTensors(network.config)) others.set(name, tensor);
    checkTensors(weights, others);
    return [...others.keys()];
  }
  if (raw) for (const [name, tensor] of tokenProjectionTensors(raw, network.config)) others.set(name, tensor);
  checkTensors(weights, others);
  checkPredictorTensors(weights, network.config);
  return [...others.keys(), ...predictorTensorShapes(network.config).keys()];
}

/** Tensors of the network without its prefix, and those beside it; others are none of its. */
function canonicalNames(stored: StoredNames, prefix: string): StoredNames {
  return new Map(
    [...stored].flatMap(([name, file]): [string, string][] => {
      if (isBesideNetwork(name)) return [[name, file]];
      return name.startsWith(prefix) ? [[name.slice(prefix.length), file]] : [];
    }),
  );
}

function readType(json: JsonObject, accepted: readonly StartType[]): StartType {
  const wanted = accepted
    .map((type) => `"${type}"`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
  if (!json.has('type')) {
    throw new CheckpointError(
      `${json.where}: expected "type" to be ${wanted}, found nothing. If this is a STEP predictor, add the key ` +
        '"type": "step_predictor".',
    );
  }
  const type = json.value('type');
  const found = accepted.find((known) => known === type);
  if (found !== undefined) return found;
  throw new UnsupportedCheckpointError(
    `${json.where}: expected "type" to be ${wanted}, found ${shown(type)}. Give the folder of a STEP predictor.`,
  );
}
