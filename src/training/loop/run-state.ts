import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import { type StreamedTensor, streamSafetensors } from '../../checkpoints/safetensors/stream.js';
import { CheckpointError, OptionError } from '../../foundation/errors.js';
import { shown } from '../../foundation/shown.js';
import type { ParameterInfo, ParameterSet, TrainingStep } from '../training-step.js';
import type { RunStorage } from './run-storage.js';

/** Everything that a run goes on from, in one file: there is no moment at which two files could be of different steps. */
export const STATE_FILE = 'training/state.safetensors';
const FORMAT = 'warmstep-training-run';
const VERSION = '1';

/** What a run is, as far as its numbers depend on it: a run goes on only as what it was. */
export type RunIdentity = Readonly<Record<string, string | number | boolean | null>>;

/** By name, entries of an identity that a run from before they were kept lacks, found out from what else it has stored; undefined: nothing says them. */
export type AddedLater = Readonly<Record<string, () => Promise<string | undefined>>>;

/** How far a run is. Where it is in its epoch follows from the batches. */
export interface RunPosition {
  /** Optimiser steps that were done. */
  readonly step: number;
  /** Batches that were used up. */
  readonly batches: number;
}

type StoredSet = Exclude<ParameterSet, 'gradients'>;

function storedSets(hasEma: boolean): readonly StoredSet[] {
  return hasEma ? ['weights', 'firstMoment', 'secondMoment', 'ema'] : ['weights', 'firstMoment', 'secondMoment'];
}

/** Writes weights, moments, EMA and position aside, then in place of those before. */
export async function saveState(
  storage: RunStorage,
  step: Pick<TrainingStep<never>, 'parameters' | 'read' | 'statistics'>,
  { identity, position, hasEma }: { readonly identity: RunIdentity; readonly position: RunPosition; readonly hasEma: boolean },
): Promise<void> {
  let loaded: { readonly set: StoredSet; readonly tensors: ReadonlyMap<string, Float32Array> } | undefined;
  const tensors = storedSets(hasEma).flatMap((set) =>
    step.parameters.map(
      ({ name, shape }): StreamedTensor => ({
        name: `${set}.${name}`,
        shape,
        values: async () => {
          // One copy of the parameters at a time on the host.
          if (loaded?.set !== set) {
            loaded = undefined;
            loaded = { set, tensors: await step.read(set) };
          }
          return loaded.tensors.get(name) as Float32Array;
        },
      }),
    ),
  );
  const statistics = await step.statistics?.read();
  for (const { name, shape } of step.statistics?.tensors ?? []) {
    tensors.push({ name: `statistics.${name}`, shape, values: async () => statistics?.get(name) as Float32Array });
  }
  const metadata = { format: FORMAT, version: VERSION, identity: JSON.stringify(identity), position: JSON.stringify(position) };
  await storage.write(STATE_FILE, streamSafetensors(tensors, metadata));
}

/** Whether a run was saved in the storage. */
export async function hasState(storage: RunStorage): Promise<boolean> {
  const file = await storage.open(STATE_FILE);
  await file?.close();
  return file !== undefined;
}

/**
 * Brings a saved run to the device and says how far it is.
 * @throws CheckpointError for a file that is damaged or of other parameters, OptionError where it is of another run or there is none.
 */
export async function loadState(
  storage: RunStorage,
  step: Pick<TrainingStep<never>, 'parameters' | 'write' | 'statistics'>,
  identity: RunIdentity,
  hasEma: boolean,
  addedLater: AddedLater = {},
): Promise<RunPosition> {
  const source = await storage.open(STATE_FILE);
  if (source === undefined) {
    throw new OptionError(
      `${storage.name}: expected a saved run in ${STATE_FILE}, found none. Start without resuming, or give the folder of the run.`,
    );
  }
  try {
    const file = await SafetensorsFile.open(source);
    const position = await readHeader(file, identity, addedLater);
    for (const set of storedSets(hasEma)) {
      const tensors = new Map<string, Float32Array>();
      for (const parameter of step.parameters)
        tensors.set(parameter.name, await readParameter(file, `${set}.${parameter.name}`, parameter));
      step.write(set, tensors);
    }
    if (step.statistics) {
      const found = new Map<string, Float32Array>();
      for (const tensor of step.statistics.tensors) found.set(tensor.name, await readParameter(file, `statistics.${tensor.name}`, tensor));
      step.statistics.write(found);
    }
    return position;
  } finally {
    await source.close();
  }
}

async function readParameter(file: SafetensorsFile, name: string, { shape }: ParameterInfo): Promise<Float32Array> {
  const found = file.tensors.get(name)?.shape;
  if (found?.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
    throw new CheckpointError(
      `${file.name}, tensor "${name}": expected shape ${shown(shape)}, found ${found === undefined ? 'no such tensor' : shown(found)}. ` +
        'Resume with the options that the run was started with.',
    );
  }
  return (await file.readFloats(name)).slice();
}

async function readHeader(file: SafetensorsFile, identity: RunIdentity, addedLater: AddedLater): Promise<RunPosition> {
  if (file.metadata.get('format') !== FORMAT || file.metadata.get('version') !== VERSION) {
    throw new CheckpointError(
      `${file.name}: expected the state of a training run, version ${VERSION}, found format ${shown(file.metadata.get('format'))}, version ` +
        `${shown(file.metadata.get('version'))}. Resume with the version of warmstep that began the run.`,
    );
  }
  const saved = { ...parsed(file, 'identity') } as Record<string, RunIdentity[string]>;
  for (const [key, find] of Object.entries(addedLater)) {
    const found = Object.hasOwn(saved, key) ? undefined : await find();
    if (found !== undefined) saved[key] = found;
  }
  const { step, batches } = parsed(file, 'position') as Partial<RunPosition>;
  if (!isCount(step) || !isCount(batches)) {
    throw new CheckpointError(
      `${file.name}: expected a position with steps and batches, found ${shown({ step, batches })}. The file is damaged: start anew.`,
    );
  }
  const keys = [...new Set([...Object.keys(saved), ...Object.keys(identity)])];
  const other = keys.filter((key) => saved[key] !== identity[key] && !(key === 'steps' && isOnlyLength(identity, step)));
  if (other.length > 0) {
    const differences = other.slice(0, 6).map((key) => `${key} ${shown(identity[key])} (the saved run has ${shown(saved[key])})`);
    const advice = (other.includes('steps') ? otherLength(identity, step) : '') + (other.includes('statistics') ? OTHER_STATISTICS : '');
    throw new OptionError(
      `${file.name} is of another run: found ${differences.join(', ')}. ${advice}Resume with the options and data of that run, or choose another folder.`,
    );
  }
  return { step, batches };
}

const OTHER_STATISTICS =
  'What it normalises by is kept in its result, and a run goes on under that alone: give the data set as it was when the run was begun, with ' +
  '`--statistics computed` where it was begun so (openDataset: `statistics`), or begin one from its result (`--initial FOLDER`) in a folder of its own. ';

/** Whether a run of another length is the same one as far as it goes: a cosine's rates depend on where it ends, other rates do not. */
function isOnlyLength({ schedule, steps }: RunIdentity, step: number): boolean {
  return (schedule === 'constant' || schedule === 'step') && Number(steps) >= step;
}

/** Why a run of another length is another run, and what there is in place of it. */
function otherLength({ schedule, kind, steps }: RunIdentity, step: number): string {
  if (schedule !== 'cosine') return Number(steps) < step ? `It is at step ${step} already. ` : '';
  const begin =
    kind === 'policy'
      ? 'begin one from its result (`--initial FOLDER`, in a program `initial`) or from scratch, in a folder of its own'
      : 'begin one from scratch, in a folder of its own';
  return `The rate of a cosine comes down to 0 where its run ends, so one of another length is another run: ${begin}. `;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parsed(file: SafetensorsFile, key: string): object {
  try {
    const value: unknown = JSON.parse(file.metadata.get(key) ?? '');
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new CheckpointError(
    `${file.name}: expected a JSON object as metadata "${key}", found ${shown(file.metadata.get(key))}. The file is damaged: start anew.`,
  );
}
