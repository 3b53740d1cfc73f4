import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { visible } from '../../foundation/visible.js';
import type { MethodConfig, MethodNetworks, MethodType } from '../../spec/method-networks.js';
import { type JsonObject, readJsonObject, shown } from '../json-object.js';
import { diffusionPolicyName, lerobotName, type StoredNames, storedNames, warnOfUnused } from '../lerobot/tensor-names.js';
import { modelFile } from '../model-file.js';
import { checkTensors, countWeights, FileTensors } from '../named-tensors.js';
import { openCheckpoint } from '../open-checkpoint.js';
import { SafetensorsFile } from '../safetensors/safetensors.js';
import type { CheckpointSource } from '../source.js';
import type { LoadOptions, MethodCheckpoint } from '../types.js';
import { BRIDGER_FOLDER } from './bridger.js';
import { readCommon } from './common-config.js';
import { CONSISTENCY_FOLDER } from './consistency.js';
import { type MethodFolder, methodTensors } from './define.js';
import { LADDER_FOLDER } from './ladder.js';
import { NO_DIFFUSION_FOLDER } from './no-diffusion.js';
import { ONEDP_FOLDER } from './onedp.js';
import { STREAMING_FOLDER } from './streaming.js';

/** Folders of all methods, one line each. */
const FOLDERS: { readonly [T in MethodType]: MethodFolder<T> } = {
  consistency_policy: CONSISTENCY_FOLDER,
  onedp: ONEDP_FOLDER,
  no_diffusion: NO_DIFFUSION_FOLDER,
  streaming_diffusion: STREAMING_FOLDER,
  rnr_policy: LADDER_FOLDER,
  bridger: BRIDGER_FOLDER,
};

/** Every `type` of a method's network. */
const METHOD_TYPES = Object.keys(FOLDERS) as readonly MethodType[];

/** Whether a configuration is that of a method's network. */
export function isMethodType(type: unknown): type is MethodType {
  return METHOD_TYPES.some((known) => known === type);
}

/**
 * Reads the folder of a method's network (docs/methods.md) and checks all of it but the values of the weights. Takes ownership of the
 * source as loadPolicyCheckpoint does. @throws CheckpointError.
 */
export async function loadMethodCheckpoint(given: CheckpointSource, options: LoadOptions = {}): Promise<MethodCheckpoint> {
  return openCheckpoint('loadMethodCheckpoint', given, options, load);
}

async function load(source: CheckpointSource, signal: LoadOptions['signal']): Promise<MethodCheckpoint> {
  signal?.throwIfAborted();
  const model = await modelFile(source, await source.list());
  const json = await readJsonObject(await source.open('config.json'));
  const described = describe(FOLDERS[readType(json)], json);
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const stored = storedNames(file);
  const names = canonicalNames(stored, described);
  const weights = new FileTensors(file, names, (name) => nameInFile(name, described));
  checkTensors(weights, described.tensors);
  const read = [...described.tensors.keys()];
  const warnings: string[] = [];
  const known = [...names].filter(([name]) => described.tensors.has(name) || described.isUnread(name));
  warnOfUnused(file, stored, new Set(known.map(([, inFile]) => inFile)), warnings);
  const { parameters, bytes } = countWeights(weights, read);
  return {
    name: source.name,
    config: described.config,
    weights,
    parameters,
    weightBytes: bytes,
    warnings: warnings.map(visible),
    assertUnchanged: async () => source.assertUnchanged?.(),
    close: () => source.close(),
  };
}

/** What config.json says, and what follows of it for the model file. */
interface Described {
  readonly config: MethodConfig;
  readonly unets: readonly string[];
  readonly tensors: ReturnType<typeof methodTensors>;
  readonly names: MethodFolder['names'];
  readonly isUnread: (name: string) => boolean;
}

function describe<T extends MethodType>(folder: MethodFolder<T>, json: JsonObject): Described {
  const config: MethodNetworks[T] = folder.read(json, readCommon(json));
  return {
    config,
    unets: folder.unets(config),
    tensors: methodTensors(folder, config),
    names: folder.names,
    isUnread: (name) => folder.isUnread?.(config, name) === true,
  };
}

/** U-Net tensors under LeRobot's names behind their prefix; all others as they are. */
function canonicalNames(stored: StoredNames, { unets: prefixes, names: own }: Described): StoredNames {
  return new Map(
    [...stored].map(([name, inFile]): [string, string] => {
      const prefix = prefixes.find((begin) => name.startsWith(begin));
      if (prefix === undefined) return [name, inFile];
      const canonical = lerobotName(name.slice(prefix.length));
      return [prefix + (own?.canonical(canonical) ?? canonical), inFile];
    }),
  );
}

/** What the file would call a tensor that is not in it. */
function nameInFile(name: string, { unets: prefixes, names: own }: Described): string {
  const prefix = prefixes.find((begin) => name.startsWith(begin));
  if (prefix === undefined) return name;
  const canonical = name.slice(prefix.length);
  return diffusionPolicyName(prefix, own?.inFile(canonical) ?? canonical);
}

function readType(json: JsonObject): MethodType {
  const wanted = METHOD_TYPES.map((type) => `"${type}"`).join(', ');
  if (!json.has('type')) throw new CheckpointError(`${json.where}: expected "type" to be one of ${wanted}, found nothing.`);
  const type = json.value('type');
  if (isMethodType(type)) return type;
  throw new UnsupportedCheckpointError(
    `${json.where}: expected "type" to be one of ${wanted}, found ${shown(type)}. Give the folder of a method's network; a policy and ` +
      'a predictor have places of their own.',
  );
}
