import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { WarmstepError } from '../../src/foundation/errors.js';
import { boundedSource } from './bounded-source.js';
import { mutantOf } from './checkpoint-mutants.js';
import { plainTensors, policyDifferences, predictorDifferences } from './checkpoint-oracle.js';
import type { Files } from './folders.js';
import { processorTime } from './processor-time.js';
import { embeddedPolicy, predictorFolder, processorPolicy, statisticsFile, tensorsFile } from './small-checkpoints.js';

/** No mutant may take more processor time. */
const MOST_MS = 1000;
/** Nor allocate more than so many times its files, and what any load takes. */
const MOST_TIMES_FILES = 4;
const SLACK_BYTES = 2 << 20;
/** Other work on the machine, or a compiler at work, may disturb one measurement: what is true of a mutant shows in all. */
const TRIES = 3;

/** A kind of folder: a valid one, and how it is read to the end. What reading returns says what is wrong about the result. */
interface Subject {
  readonly valid: () => Files | Promise<Files>;
  readonly read: (files: Files) => Promise<() => Promise<string[]>>;
}

async function readPolicy(files: Files): Promise<() => Promise<string[]>> {
  const policy = await loadPolicyCheckpoint(boundedSource(files));
  for (const name of policy.weights.names()) await policy.weights.readFloats(name);
  return () => policyDifferences(files, policy);
}

async function readPredictor(files: Files): Promise<() => Promise<string[]>> {
  const predictor = await loadPredictorCheckpoint(boundedSource(files));
  for (const name of predictor.weights.names()) await predictor.weights.readFloats(name);
  return () => predictorDifferences(files, predictor);
}

async function readTensors(files: Files): Promise<() => Promise<string[]>> {
  const file = await SafetensorsFile.open(await boundedSource(files).open('model.safetensors'));
  const values = new Map<string, number[]>();
  for (const name of file.tensors.keys()) values.set(name, [...(await file.readFloats(name))]);
  return async () => {
    const expected = [...plainTensors(files['model.safetensors'] as Uint8Array)].map(([name, tensor]) => [name, tensor.values()]);
    return JSON.stringify([...values]) === JSON.stringify(expected) ? [] : [`values ${JSON.stringify([...values])}`];
  };
}

export const SUBJECTS = {
  'a safetensors file': { valid: tensorsFile, read: readTensors },
  'a file of statistics': { valid: statisticsFile, read: readTensors },
  'a policy with processor files': { valid: processorPolicy, read: readPolicy },
  'a policy of 2024': { valid: () => embeddedPolicy('A'), read: readPolicy },
  'a policy of early 2025': { valid: () => embeddedPolicy('B'), read: readPolicy },
  'a predictor': { valid: predictorFolder, read: readPredictor },
} satisfies Record<string, Subject>;

interface Attempt {
  /** Says what is wrong about the result; undefined: refused by an error of ours. */
  readonly check: (() => Promise<string[]>) | undefined;
  readonly ms: number;
  /** Garbage counts, unless it was collected meanwhile: then there may be less than nothing. */
  readonly bytes: number;
}

async function attempt(subject: Subject, files: Files): Promise<Attempt> {
  const bytesBefore = usedBytes();
  const spent = processorTime();
  const check = await subject.read(files).catch((error: unknown) => {
    if (error instanceof WarmstepError) return undefined;
    throw error;
  });
  return { check, ms: spent(), bytes: usedBytes() - bytesBefore };
}

export interface MutantCount {
  readonly valid: number;
  readonly refused: number;
  readonly longestMs: number;
  readonly mostBytes: number;
}

/**
 * Reads mutants [first, first + count) of a kind of folder. Each must give an error of ours or a right result, at once, and
 * without more memory than its size justifies.
 * @throws an Error that names the mutant.
 */
export async function runMutants(name: keyof typeof SUBJECTS, first: number, count: number): Promise<MutantCount> {
  const subject: Subject = SUBJECTS[name];
  const original = await subject.valid();
  const wrong = await (await subject.read(original))();
  if (wrong.length > 0) throw new Error(`${name}, unchanged: ${wrong.join('; ')}`);
  let [valid, refused, longestMs, mostBytes] = [0, 0, 0, 0];
  for (let index = first; index < first + count; index++) {
    const { files, what } = mutantOf(original, index);
    const fail = (reason: string, cause?: unknown): never => {
      throw new Error(`${name}, mutant ${index} (${what}): ${reason}`, { cause });
    };
    const size = Object.values(files).reduce((sum, content) => sum + content.length, 0);
    const most = MOST_TIMES_FILES * size + SLACK_BYTES;
    const once = (): Promise<Attempt> => attempt(subject, files).catch((error: unknown) => fail(`gave ${String(error)}`, error));
    let { check, ms, bytes } = await once();
    for (let tries = 1; tries < TRIES && (ms > MOST_MS || bytes > most); tries++) ({ check, ms, bytes } = await once());
    if (ms > MOST_MS) fail(`took ${ms} ms`);
    if (bytes > most) fail(`took ${bytes} bytes for files of ${size}`);
    longestMs = Math.max(longestMs, ms);
    mostBytes = Math.max(mostBytes, bytes);
    if (!check) {
      refused++;
      continue;
    }
    const differences = await check().catch((error: unknown) => fail(`was accepted, but means nothing: ${String(error)}`, error));
    if (differences.length > 0) fail(`gave a wrong result: ${differences.join('; ')}`);
    valid++;
  }
  return { valid, refused, longestMs, mostBytes };
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
