import { SafetensorsFile } from '../checkpoints/safetensors/safetensors.js';
import type { ByteSource } from '../checkpoints/source.js';
import { ObservationError } from '../foundation/errors.js';
import type { Observation, ObservationValue } from '../observations/frame.js';
import { openFile } from '../platform/node/folder-source.js';
import type { ImageObservation, ObservationInfo } from '../spec/policy-spec.js';

/** What was recorded of a feature, one row per control tick. */
export interface RecordedFeature {
  readonly feature: ObservationInfo;
  /** f32 [ticks][size] of a vector; bytes of images, [ticks][height][width][3] or planes. */
  readonly values: Float32Array | Uint8Array;
  /** Of images. */
  readonly layout?: 'hwc' | 'chw';
}

/** Recorded observations, one row per control tick. */
export interface Recording {
  readonly ticks: number;
  readonly features: ReadonlyMap<string, RecordedFeature>;
  /** Tensors of the file that nothing reads. */
  readonly ignored: readonly string[];
}

/** Prefix of recorded inputs in files that hold the expected outputs as well. */
const TICKS = 'ticks.input.';

/**
 * Reads the features that a policy wants from a safetensors file: tensors [ticks, size], of images U8 [ticks, height, width, 3] or
 * [ticks, 3, height, width], under the feature's name, or under "ticks.input." and the name.
 * @throws CheckpointError for a damaged file and values that are not finite, ObservationError for a missing feature or one of
 * another size.
 */
export async function readRecording(path: string, wanted: readonly ObservationInfo[]): Promise<Recording> {
  const source = await openFile(path);
  try {
    const recording = await recordingOf(source, path, wanted);
    await source.assertUnchanged();
    return recording;
  } finally {
    await source.close();
  }
}

/** The same from a file that is open; `path` is what messages call it. */
export async function recordingOf(source: ByteSource, path: string, wanted: readonly ObservationInfo[]): Promise<Recording> {
  const file = await SafetensorsFile.open(source);
  const features = new Map<string, RecordedFeature>();
  const used = new Set<string>();
  let ticks: number | undefined;
  for (const feature of wanted) {
    const { name } = feature;
    const stored = [name, TICKS + name].find((candidate) => file.tensors.has(candidate));
    const shape = stored === undefined ? undefined : file.tensors.get(stored)?.shape;
    if (stored === undefined || shape === undefined) {
      throw new ObservationError(
        `${path}: the policy reads "${name}", expected a tensor "${name}" or "${TICKS}${name}" of shape ` +
          `${shapeText(feature)}. The file has ${contents(file)}. Record this observation too.`,
      );
    }
    const [rows = 0] = shape;
    const layout = feature.kind === 'image' ? layoutOf(feature, shape) : undefined;
    const fits = feature.kind === 'image' ? layout !== undefined : shape.length === 2 && shape[1] === feature.size;
    if (!fits || rows === 0 || (ticks !== undefined && rows !== ticks)) {
      const row = feature.kind === 'image' ? 'image' : `row of ${feature.size} values`;
      throw new ObservationError(
        `${path}: tensor "${stored}" must have shape ${shapeText(feature, ticks)}, found ` +
          `[${shape.join(', ')}]. Record one ${row} per control tick.`,
      );
    }
    ticks = rows;
    used.add(stored);
    if (layout !== undefined) features.set(name, { feature, values: await file.readBytes(stored), layout });
    // A copy, because the next read overwrites the array.
    else features.set(name, { feature, values: (await file.readFloats(stored)).slice() });
  }
  return { ticks: ticks ?? 0, features, ignored: [...file.tensors.keys()].filter((name) => !used.has(name)) };
}

function shapeText(feature: ObservationInfo, ticks?: number): string {
  const rows = ticks ?? 'ticks';
  if (feature.kind === 'vector') return `[${rows}, ${feature.size}]`;
  return `[${rows}, ${feature.height}, ${feature.width}, 3] or [${rows}, 3, ${feature.height}, ${feature.width}] in U8`;
}

function layoutOf({ height, width }: ImageObservation, [, ...shape]: readonly number[]): 'hwc' | 'chw' | undefined {
  const is = (...expected: readonly number[]): boolean => shape.length === 3 && expected.every((side, axis) => shape[axis] === side);
  if (is(height, width, 3)) return 'hwc';
  return is(3, height, width) ? 'chw' : undefined;
}

/** The observation of one tick. */
export function observationAt({ features }: Recording, tick: number): Observation {
  return Object.fromEntries(
    [...features].map(([name, { feature, values, layout }]): [string, ObservationValue] => {
      if (feature.kind === 'vector') return [name, values.subarray(tick * feature.size, (tick + 1) * feature.size)];
      const { height, width } = feature;
      const size = 3 * height * width;
      const data = values.subarray(tick * size, (tick + 1) * size);
      return [name, { data, height, width, ...(layout === undefined ? {} : { layout }) }];
    }),
  );
}

function contents(file: SafetensorsFile): string {
  const shown = [...file.tensors.values()].slice(0, 12).map(({ name, shape }) => `"${name.slice(0, 120)}" [${shape.join(', ')}]`);
  const more = file.tensors.size - shown.length;
  return shown.length === 0 ? 'no tensors' : shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
