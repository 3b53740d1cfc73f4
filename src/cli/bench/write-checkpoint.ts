import { join } from 'node:path';
import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { OutputFile, outputFolder, writeOutputFile } from '../../platform/node/output-file.js';
import { SYNTHETIC_OBSERVATIONS, type SyntheticSize, syntheticPolicy, syntheticPredictor } from '../../synthetic/checkpoint.js';
import { fillValues } from '../../synthetic/fill.js';
import { Progress } from '../../terminal/progress.js';

/** Bytes in memory at a time. */
const PIECE_BYTES = 4 << 20;
const TICKS = 32;

/** What was written, for `warmstep run`. */
export interface WrittenCheckpoint {
  readonly policy: string;
  readonly predictor: string;
  readonly observations: string;
  readonly bytes: number;
}

/** Writes the synthetic policy, its predictor and some observations below a folder, piece by piece. */
export async function writeSyntheticCheckpoint(size: SyntheticSize, folder: string, signal: AbortSignal): Promise<WrittenCheckpoint> {
  const policy = join(folder, 'policy');
  const predictor = join(folder, 'predictor');
  const observations = join(folder, 'observations.safetensors');
  const bytes = (await writeFolder(syntheticPolicy(size), policy, signal)) + (await writeFolder(syntheticPredictor(), predictor, signal));
  await writeOutputFile(
    observations,
    encodeSafetensors(
      SYNTHETIC_OBSERVATIONS.map(({ name, size: width }, seed) => {
        const data = new Float32Array(TICKS * width);
        fillValues({ kind: 'uniform', bound: 1, seed }, 0, data);
        return { name, dtype: 'F32', shape: [TICKS, width], data };
      }),
    ),
  );
  return { policy, predictor, observations, bytes };
}

async function writeFolder(source: CheckpointSource, folder: string, signal: AbortSignal): Promise<number> {
  await outputFolder(folder);
  const progress = new Progress();
  const piece = new Uint8Array(PIECE_BYTES);
  let total = 0;
  for (const name of await source.list()) {
    const file = await source.open(name);
    const output = await OutputFile.create(join(folder, name));
    try {
      for (let offset = 0; offset < file.size; offset += PIECE_BYTES) {
        signal.throwIfAborted();
        const part = piece.subarray(0, Math.min(PIECE_BYTES, file.size - offset));
        await file.read(offset, part);
        await output.write(part);
        progress.update(`writing ${join(folder, name)}: ${Math.round((100 * offset) / file.size)} %`);
      }
      await output.finish();
    } catch (error) {
      await output.discard();
      throw error;
    }
    total += file.size;
  }
  progress.done();
  return total;
}
