import { SafetensorsFile } from '../checkpoints/safetensors/safetensors.js';
import type { ByteSource } from '../checkpoints/source.js';
import { ObservationError } from '../foundation/errors.js';
import { checkFrame, type Observation } from '../observations/check.js';
import { FrameWindow } from '../observations/window.js';
import { openFile } from '../platform/node/folder-source.js';

/** Recorded observations, one row per control tick. */
export interface Recording {
  readonly ticks: number;
  /** Per feature f32 [ticks][size]. */
  readonly features: ReadonlyMap<string, { readonly size: number; readonly values: Float32Array }>;
  /** Tensors of the file that nothing reads. */
  readonly ignored: readonly string[];
}

/** Prefix of recorded inputs in files that hold the expected outputs as well. */
const TICKS = 'ticks.input.';

/**
 * Reads the features that a policy wants from a safetensors file: tensors [ticks, size] under the feature's name, or
 * under "ticks.input." and the name.
 * @throws CheckpointError for a damaged file and values that are not finite, ObservationError for a missing feature or one of
 * another size.
 */
export async function readRecording(path: string, wanted: readonly WantedFeature[]): Promise<Recording> {
  const source = await openFile(path);
  try {
    const recording = await recordingOf(source, path, wanted);
    await source.assertUnchanged();
    return recording;
  } finally {
    await source.close();
  }
}

/** What a policy reads of a recording. */
export interface WantedFeature {
  readonly name: string;
  readonly size: number;
}

/** The same from a file that is open; `path` is what messages call it. */
export async function recordingOf(source: ByteSource, path: string, wanted: readonly WantedFeature[]): Promise<Recording> {
  const file = await SafetensorsFile.open(source);
  const features = new Map<string, { size: number; values: Float32Array }>();
  const used = new Set<string>();
  let ticks: number | undefined;
  for (const { name, size } of wanted) {
    const stored = [name, TICKS + name].find((candidate) => file.tensors.has(candidate));
    const shape = stored === undefined ? undefined : file.tensors.get(stored)?.shape;
    if (stored === undefined || shape === undefined) {
      throw new ObservationError(
        `${path}: the policy reads "${name}", expected a tensor "${name}" or "${TICKS}${name}" of shape ` +
          `[ticks, ${size}]. The file has ${contents(file)}. Record this observation too.`,
      );
    }
    const [rows = 0, width] = shape;
    if (shape.length !== 2 || width !== size || rows === 0 || (ticks !== undefined && rows !== ticks)) {
      throw new ObservationError(
        `${path}: tensor "${stored}" must have shape [${ticks ?? 'ticks'}, ${size}], found ` +
          `[${shape.join(', ')}]. Record one row of ${size} values per control tick.`,
      );
    }
    ticks = rows;
    used.add(stored);
    // A copy, because the next read overwrites the array.
    features.set(name, { size, values: (await file.readFloats(stored)).slice() });
  }
  return { ticks: ticks ?? 0, features, ignored: [...file.tensors.keys()].filter((name) => !used.has(name)) };
}

/** The observation of one tick. */
export function observationAt({ features }: Recording, tick: number): Observation {
  return Object.fromEntries([...features].map(([name, { size, values }]) => [name, values.subarray(tick * size, (tick + 1) * size)]));
}

/** The window of `steps` frames that ends at a tick; before the first tick, the first frame is repeated. */
export function windowAt(recording: Recording, tick: number, steps: number): Observation {
  const features = [...recording.features].map(([name, { size }]) => ({ name, feature: name, size }));
  const window = new FrameWindow(features, steps);
  for (let row = Math.max(0, tick - steps + 1); row <= tick; row++) {
    window.push(checkFrame(features, observationAt(recording, row), `tick ${row} of the recording`));
  }
  return window.observation();
}

function contents(file: SafetensorsFile): string {
  const shown = [...file.tensors.values()].slice(0, 12).map(({ name, shape }) => `"${name.slice(0, 120)}" [${shape.join(', ')}]`);
  const more = file.tensors.size - shown.length;
  return shown.length === 0 ? 'no tensors' : shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
