import { readJsonObject } from '../../checkpoints/json-object.js';
import { isMethodType, loadMethodCheckpoint } from '../../checkpoints/methods/read-method.js';
import { isStartType, loadStartCheckpoint } from '../../checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { folderSource } from '../../platform/node/folder-source.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { atMost, UsageError } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import type { Command } from '../command.js';
import {
  type CheckpointDescription,
  describeMethodCheckpoint,
  describePolicyCheckpoint,
  describePredictorCheckpoint,
} from '../describe-checkpoint.js';
import { localFolder } from '../local-folder.js';

const USAGE = `usage: warmstep inspect DIR|hf:OWNER/NAME [--json]

Describes a checkpoint folder, of a policy, a STEP predictor or the network of a method: features with sizes and normalisation, horizon and
steps, network, scheduler, parameters, bytes, on-disk format, warnings. Reads no weights and needs no GPU.

  --json   one JSON object on standard output`;

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'Describe a checkpoint folder; no GPU needed.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, { json: { type: 'boolean' } });
    atMost(positionals, 1);
    const [folder] = positionals;
    if (folder === undefined) throw new UsageError('the checkpoint folder is missing');
    const { json, text } = await describe(await folderSource(await localFolder(folder)));
    if (values.json) printJson(json);
    else print(text);
    return 0;
  },
};

async function describe(source: CheckpointSource): Promise<CheckpointDescription> {
  const type = await typeOf(source);
  if (isMethodType(type)) {
    const method = await loadMethodCheckpoint(source);
    await method.close();
    return describeMethodCheckpoint(method);
  }
  if (isStartType(type)) {
    const predictor = await loadStartCheckpoint(source);
    await predictor.close();
    return describePredictorCheckpoint(predictor);
  }
  const policy = await loadPolicyCheckpoint(source);
  await policy.close();
  return describePolicyCheckpoint(policy);
}

/** What config.json says that the folder is. What is neither of these is left to the policy's loader, whose messages say what is wrong with it. */
async function typeOf(source: CheckpointSource): Promise<unknown> {
  if (!(await source.list()).includes('config.json')) return undefined;
  try {
    return (await readJsonObject(await source.open('config.json'))).value('type');
  } catch (error) {
    await source.close();
    throw error;
  }
}
