import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { recordingOf } from '../../src/cli/recording.js';
import { type JournalHeader, journalLine, readJournal } from '../../src/evaluation/journal.js';
import { renderReport } from '../../src/evaluation/report/render.js';
import { summarize } from '../../src/evaluation/summary.js';
import { WarmstepError } from '../../src/foundation/errors.js';
import { bounded, seeded } from './bounded-source.js';
import { CHARACTERS, evaluationRecord } from './evaluation-record.js';
import { mutatedBytes, mutatedJson, mutatedText } from './file-mutants.js';
import { processorTime } from './processor-time.js';

/** What became of a number of mutants. */
export interface MutantTally {
  readonly right: number;
  readonly refused: number;
  /** Of processor time. */
  readonly slowestMs: number;
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const LONGEST_MESSAGE = 4000;

/** A mutant gives a result that `check` accepts, or one of the engine's errors, in one line of moderate length. */
async function tally(count: number, read: (mutant: number) => unknown): Promise<MutantTally> {
  let [right, refused, slowestMs] = [0, 0, 0];
  for (let mutant = 0; mutant < count; mutant++) {
    const spent = processorTime();
    try {
      await read(mutant);
      right++;
    } catch (error) {
      if (!(error instanceof WarmstepError)) throw new Error(`mutant ${mutant} gave ${String(error)}`, { cause: error });
      if (UNSEEN.test(error.message) || error.message.length > LONGEST_MESSAGE) throw new Error(`mutant ${mutant} says ${error.message}`);
      refused++;
    }
    slowestMs = Math.max(slowestMs, spent());
  }
  return { right, refused, slowestMs };
}

const HEADER: JournalHeader = {
  format: 'warmstep-evaluation-journal',
  version: 1,
  task: 'push-t',
  maxTicks: 300,
  fingerprint: { version: '0.1.0', policy: 'a1', predictor: null, precision: 'f32', adapter: 'SwiftShader' },
};

/** Journals of three episodes with a change; what is read must be fit for a report, and is made into one now and then. */
export function readMutantJournals(count: number, seed: number): Promise<MutantTally> {
  const random = seeded(seed);
  const record = evaluationRecord({ characters: CHARACTERS.slice(0, 1), episodes: 3, replays: 0 });
  const [strategy] = record.strategies;
  const episodes = strategy!.episodes.map((episode) => ({ ...episode, ticks: 12, rewards: episode.rewards.slice(0, 12) }));
  const lines = [HEADER, ...episodes.map((episode) => ({ strategy: 'step:2', episode }))] as const;
  const text = lines.map(journalLine).join('');
  return tally(count, (mutant) => {
    const at = random(8) === 0 ? 0 : 1 + random(lines.length - 1);
    const changed =
      mutant % 2 === 0
        ? lines.map((line, i) => (i === at ? `${JSON.stringify(mutatedJson(line, random))}\n` : journalLine(line))).join('')
        : mutatedText(text, random);
    const { episodes: found } = readJournal(changed, HEADER, 'episodes.jsonl', random(2) === 0);
    for (const [name, bySeed] of found) {
      const strategies = [{ ...strategy!, name, episodes: [...bySeed.values()] }];
      for (const { score, jump, evaluationsPerDecision } of mutant % 16 < 2 ? summarize({ ...record, strategies }) : []) {
        const numbers = [score.mean, score.interval.low, score.interval.high, jump ?? 0, evaluationsPerDecision ?? 0];
        if (!numbers.every(Number.isFinite)) throw new Error(`a summary of ${numbers.join(', ')}`);
      }
      if (mutant % 512 < 2) renderReport({ ...record, strategies });
    }
  });
}

const FEATURES = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
  { kind: 'vector', name: 'observation.environment_state', feature: 'observation.environment_state', size: 3 },
] as const;
const TICKS = 4;

/** Recordings with a change in header or values. No read goes beyond the file, no buffer is larger than it by more than 1 MiB. */
export function readMutantRecordings(count: number, seed: number): Promise<MutantTally> {
  const random = seeded(seed);
  const file = encodeSafetensors([
    ...FEATURES.map(
      ({ name, size }, i) =>
        ({
          name: i === 0 ? name : `ticks.input.${name}`,
          dtype: 'F32',
          shape: [TICKS, size],
          data: Float32Array.from({ length: TICKS * size }, (_, k) => k / 7),
        }) as const,
    ),
    { name: 'more', dtype: 'F16', shape: [2], data: [1, 2] },
  ]);
  const headerEnd = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(file.subarray(8, headerEnd)));
  return tally(count, async (mutant) => {
    const bytes = [
      () => withHeader(mutatedJson(header, random), file.subarray(headerEnd)),
      () => mutatedBytes(file, 0, headerEnd, random),
      () => mutatedBytes(file, headerEnd, file.length, random),
    ][mutant % 3]!();
    const source = bounded(await memorySource('mutant', { file: bytes }).open('file'));
    const { ticks, features } = await recordingOf(source, 'recording.safetensors', FEATURES);
    for (const { name, size } of FEATURES) {
      const values = features.get(name)?.values;
      if (!(ticks > 0 && values?.length === ticks * size && values.every(Number.isFinite)))
        throw new Error(`${name}: ${ticks} ticks, ${values}`);
    }
  });
}

function withHeader(header: unknown, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
