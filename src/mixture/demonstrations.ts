import { SafetensorsFile } from '../checkpoints/safetensors/safetensors.js';
import { CheckpointError, OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkNumber, checkObject, checkText, copyNumbers, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';

/** What was observed in every frame of demonstrations, under one name. */
export interface KernelObservation {
  /** As policies and robots call it: "observation.state". */
  readonly name: string;
  /** Values of a frame. */
  readonly size: number;
  /** [frames][size], flattened; the frames of all episodes, one after the other. */
  readonly values: ArrayLike<number>;
  /**
   * How much each value counts where observations are compared: a difference of 1 / scale is one of 1. 0 leaves it out, and its changes. [size]
   * Default: half of its range over the demonstrations is 1, and a value that never changes is left out.
   */
  readonly scales?: readonly number[];
  /** How much the change since the frame before counts, where a decision reads more than one: times the scale. Default 2. */
  readonly changes?: number;
}

/** Demonstrations that a kernel policy is made of: rows of all episodes, one after the other. */
export interface KernelDemonstrations {
  /** What they are of, for people. */
  readonly name: string;
  readonly observations: readonly KernelObservation[];
  /** [frames][actionDim], flattened: the action of a row was sent after its observation. */
  readonly actions: ArrayLike<number>;
  readonly actionDim: number;
  /** Frame after the last one of each episode, ascending; the last is the number of frames. */
  readonly episodeEnds: readonly number[];
}

const KEYS = keysOf<KernelDemonstrations>({ name: true, observations: true, actions: true, actionDim: true, episodeEnds: true });
const OBSERVATION_KEYS = keysOf<KernelObservation>({ name: true, size: true, values: true, scales: true, changes: true });

/** More than would be searched in a tick. */
const MOST_FRAMES = 1_000_000;
const MOST_VALUES = 4096;
const MOST_SCALE = 1e6;
const USUAL_CHANGES = 2;

/** `scales`: undefined where the range decides. */
export type CheckedObservation = Pick<KernelObservation, 'name' | 'size'> & {
  readonly values: Float64Array;
  readonly scales: readonly number[] | undefined;
  readonly changes: number;
};

/** Demonstrations that were checked and copied. */
export interface CheckedDemonstrations extends Omit<KernelDemonstrations, 'observations'> {
  readonly frames: number;
  readonly observations: readonly CheckedObservation[];
  readonly actions: Float64Array;
}

/** @throws OptionError for lengths that do not go together, and for values that are not finite: where. */
export function checkDemonstrations(where: string, demonstrations: KernelDemonstrations): CheckedDemonstrations {
  checkKeys(where, demonstrations, KEYS);
  const { name, observations, actions, actionDim, episodeEnds } = demonstrations;
  checkText(where, 'name', name);
  checkInteger(where, 'actionDim', actionDim, 1, MOST_VALUES);
  let frames = 0;
  checkList(where, 'episodeEnds', episodeEnds, (end, index) => {
    frames = checkInteger(where, `episodeEnds[${index}]`, end, frames + 1, MOST_FRAMES);
  });
  if (frames === 0) throw new OptionError(`${where}: episodeEnds must tell of one episode at least, found none.`);
  const copied = (what: string, values: ArrayLike<number>, size: number): Float64Array =>
    copyNumbers(values, frames * size, (found, index) => {
      const wanted = `${frames} × ${size} finite f32 numbers (frames × size)`;
      const at = index === undefined ? '' : ` at frame ${Math.floor(index / size)}, value ${index % size}`;
      return new OptionError(`${where}: ${what} must have ${wanted}, found ${found}${at}.`);
    });
  const names = new Set<string>();
  const checked: CheckedObservation[] = [];
  checkList(where, 'observations', observations, (observation, index) => {
    checkObject(where, `observations[${index}]`, observation);
    checkKeys(where, observation, OBSERVATION_KEYS);
    const feature = checkText(where, `observations[${index}].name`, observation.name);
    if (names.has(feature)) throw new OptionError(`${where}: observation ${shownValue(feature)} is there twice: give it once.`);
    names.add(feature);
    const size = checkInteger(where, `observations[${index}].size`, observation.size, 1, MOST_VALUES);
    checked.push({
      name: feature,
      size,
      values: copied(`observation "${feature}"`, observation.values, size),
      ...weights(where, observation, size),
    });
  });
  if (checked.length === 0) throw new OptionError(`${where}: observations must name what was observed, found none.`);
  return {
    name,
    observations: checked,
    actions: copied('actions', actions, actionDim),
    actionDim,
    episodeEnds: [...episodeEnds],
    frames,
  };
}

/** @throws OptionError for scales that are not as many as values, or negative. */
function weights(
  where: string,
  { name, scales, changes = USUAL_CHANGES }: KernelObservation,
  size: number,
): Pick<CheckedObservation, 'scales' | 'changes'> {
  const isScale = (value: number): boolean => value >= 0 && value <= MOST_SCALE;
  const wanted = `a number from 0 to ${MOST_SCALE}`;
  checkNumber(where, `changes of observation "${name}"`, changes, wanted, isScale);
  if (scales === undefined) return { scales, changes };
  checkList(where, `scales of observation "${name}"`, scales, (scale) =>
    checkNumber(where, `scales of observation "${name}"`, scale, wanted, isScale),
  );
  checkInteger(where, `the number of scales of observation "${name}"`, scales.length, size, size);
  return { scales: [...scales], changes };
}

const ACTION = 'action';
const ENDS = 'episode_ends';
const OBSERVATION = 'observation.';
const ENVIRONMENT = 'observation.environment_state';
const ENVIRONMENT_NAMES = 'environment_state_names';

/** Of places in metres: 10 cm are a difference of 1. */
const PER_METRE = 10;

/**
 * Where the file names x, y and z of things, these count by how far things are apart, and their angles do not: cosine and sine of a multiple of an
 * angle swing by their whole range in a small turn, such as that of a cube which was touched. How things move follows from how the arm does.
 */
function placeScales({ metadata }: SafetensorsFile): Pick<KernelObservation, 'scales' | 'changes'> {
  const names = namesIn(metadata.get(ENVIRONMENT_NAMES));
  if (!names?.some((name) => name.endsWith('.x'))) return {};
  return { scales: names.map((name) => (/\.[xyz]$/.test(name) ? PER_METRE : 0)), changes: 0 };
}

/** A list of names in JSON; undefined for anything else. */
function namesIn(json = ''): readonly string[] | undefined {
  try {
    const found: unknown = JSON.parse(json);
    return Array.isArray(found) && found.every((name) => typeof name === 'string') ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Demonstrations as `warmstep demonstrations` writes them: tensors `observation.…` [frames][size], `action` [frames][size],
 * `episode_ends` [episodes].
 * @throws OptionError for what is no SafetensorsFile, CheckpointError for a file without these tensors, or with others than numbers in rows.
 */
export async function readDemonstrations(file: SafetensorsFile): Promise<KernelDemonstrations> {
  if (!(file instanceof SafetensorsFile)) {
    throw new OptionError(`readDemonstrations: the file must be one of SafetensorsFile.open, found ${shownValue(file)}.`);
  }
  const rowsOf = async (name: string): Promise<{ size: number; values: Float32Array }> => {
    const [frames = 0, size = 0, ...more] = file.tensors.get(name)?.shape ?? [];
    if (frames < 1 || size < 1 || more.length > 0) {
      const found = file.tensors.get(name)?.shape.join(', ') ?? 'no such tensor';
      throw new CheckpointError(
        `${file.name}, tensor "${name}": expected rows [frames][values], found ${found}. Write the file with warmstep demonstrations.`,
      );
    }
    return { size, values: (await file.readFloats(name)).slice() };
  };
  const names = [...file.tensors.keys()].filter((name) => name.startsWith(OBSERVATION)).sort();
  const observations: KernelObservation[] = [];
  for (const name of names) observations.push({ name, ...(await rowsOf(name)), ...(name === ENVIRONMENT ? placeScales(file) : {}) });
  const { size: actionDim, values: actions } = await rowsOf(ACTION);
  const episodeEnds = await file.readIntegers(ENDS);
  return { name: file.metadata.get('task') ?? file.name, observations, actions, actionDim, episodeEnds };
}
