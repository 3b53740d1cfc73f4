import { OptionError } from '../foundation/errors.js';
import type { EpisodeRecord } from './record.js';

/** What two runs must have in common so that one can go on with the episodes of the other. */
export interface JournalHeader {
  readonly format: 'warmstep-evaluation-journal';
  readonly version: 1;
  readonly task: string;
  readonly maxTicks: number;
  /** Names policy, predictor, precision, adapter and everything else that results depend on. */
  readonly fingerprint: Readonly<Record<string, string | number | null>>;
}

/** One finished episode. */
export interface JournalEntry {
  /** Name of the strategy. */
  readonly strategy: string;
  readonly episode: EpisodeRecord;
}

/** A journal is a file of JSON lines: the header, then an entry per episode, added as soon as it is over. */
export function journalLine(value: JournalHeader | JournalEntry): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Episodes of a journal by strategy and seed; of a seed that is there twice, the newer one. A line that is no entry is left
 * out, and its episode with it: the last one may be cut off, where the process ended while it wrote.
 * @throws OptionError where the journal belongs to another evaluation, naming what differs.
 */
export function readJournal(text: string, expected: JournalHeader, file: string): Map<string, Map<number, EpisodeRecord>> {
  const [first = '', ...lines] = text.split('\n');
  const header = parseLine(first) as Partial<JournalHeader> | undefined;
  if (header?.format !== expected.format || header.version !== expected.version) {
    throw new OptionError(`${file} is no journal of an evaluation by this version: choose another --output folder, or delete it`);
  }
  const facts = (of: Partial<JournalHeader>): Record<string, unknown> => ({ task: of.task, maxTicks: of.maxTicks, ...of.fingerprint });
  const [was, is] = [facts(header), facts(expected)];
  const different = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((key) => was[key] !== is[key]);
  if (different.length > 0) {
    const list = different.map((key) => `${key} was ${String(was[key] ?? 'none')}, now it is ${String(is[key] ?? 'none')}`).join('; ');
    throw new OptionError(`${file} belongs to another evaluation (${list}): choose another --output folder, or delete it`);
  }
  const found = new Map<string, Map<number, EpisodeRecord>>();
  for (const line of lines) {
    const entry = parseLine(line);
    if (!isEntry(entry)) continue;
    const episodes = found.get(entry.strategy) ?? new Map<number, EpisodeRecord>();
    found.set(entry.strategy, episodes.set(entry.episode.seed, entry.episode));
  }
  return found;
}

function isEntry(value: unknown): value is JournalEntry {
  const { strategy, episode } = (value ?? {}) as Partial<JournalEntry>;
  return typeof strategy === 'string' && typeof episode?.seed === 'number' && typeof episode.score === 'number';
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
