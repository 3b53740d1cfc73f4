import { CheckpointError } from '../../foundation/errors.js';
import type { RawRows } from '../../spec/network-shapes.js';
import type { PredictorDropout } from '../../training/training-step.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import type { RecordedVariant } from './training-network.js';

const MASK = 'input.dropout_keep.';

/** What a network that makes starts observes at a step, as its batches have it. */
export interface RecordedObservation {
  readonly observation: Float32Array;
  readonly pictures?: readonly Uint8Array[];
}

function slices<T extends Float32Array | Uint8Array>(values: T, steps: number): T[] {
  const size = values.length / steps;
  return Array.from({ length: steps }, (_, step) => values.slice(step * size, (step + 1) * size) as T);
}

/** `input.<name>` by step. */
export async function recordedSteps(golden: GoldenCase, { steps }: TrainingDescription, name: string): Promise<Float32Array[]> {
  return slices(await golden.values(`input.${name}`), steps);
}

/**
 * Observations by step: `input.observation`, or, of a network with an image encoder of its own, its vectors side by side and the pictures of its
 * cameras, each under the name that the network has for it.
 */
export async function recordedObservations(
  golden: GoldenCase,
  { batch, steps }: TrainingDescription,
  observationSteps: number,
  rows: RawRows | undefined,
): Promise<RecordedObservation[]> {
  if (!rows) return slices(await golden.values('input.observation'), steps).map((observation) => ({ observation }));
  const pictures: Uint8Array[][] = [];
  for (const camera of rows.cameras) pictures.push(slices((await golden.bytes(`input.${camera}`)).slice(), steps));
  const vectors: Float32Array[][] = [];
  for (const name of rows.vectors) vectors.push(slices(await golden.values(`input.${name}`), steps));
  return Array.from({ length: steps }, (_, step) => ({
    observation: sideBySide(
      vectors.map((values) => values[step] as Float32Array),
      batch * observationSteps,
    ),
    pictures: pictures.map((bytes) => bytes[step] as Uint8Array),
  }));
}

/** Frames of several vectors, one vector behind the other in each. */
function sideBySide(parts: readonly Float32Array[], frames: number): Float32Array {
  const width = parts.reduce((sum, { length }) => sum + length / frames, 0);
  const joined = new Float32Array(frames * width);
  let first = 0;
  for (const values of parts) {
    const size = values.length / frames;
    for (let frame = 0; frame < frames; frame++) joined.set(values.subarray(frame * size, (frame + 1) * size), frame * width + first);
    first += size;
  }
  return joined;
}

/** The step with dropout and recorded masks, where the case has one. @throws CheckpointError */
export async function dropoutVariant(golden: GoldenCase, run: (dropout: PredictorDropout) => void): Promise<RecordedVariant | undefined> {
  const { dropout } = golden.description as { readonly dropout?: { readonly p?: unknown; readonly loss?: unknown } };
  if (dropout === undefined) return undefined;
  const { p: probability, loss } = dropout;
  if (typeof probability !== 'number' || typeof loss !== 'number') {
    throw new CheckpointError(`case "${golden.name}": case.json: dropout must have numbers p and loss.`);
  }
  const masks = new Map<string, Uint8Array>();
  for (const site of golden.names(MASK)) masks.set(site, (await golden.bytes(MASK + site)).slice());
  return { name: 'dropout', loss, run: () => run({ probability, masks }) };
}
