import { SetupError } from '../foundation/setup-error.js';
import { episodeProblem, isObject, shown } from './episode-check.js';
import type { EpisodeRecord } from './record.js';

/** What two runs must have in common so that one can go on with the episodes of the other. */
export interface JournalHeader {
  readonly format: 'warmstep-evaluation-journal';
  readonly version: 1;
  readonly task: string;
  readonly maxTicks: number;
  /** Names policy, predictor, precision, adapter and everything else that the results of all strategies depend on. */
  readonly fingerprint: Readonly<Record<string, string | number | null>>;
}

/** One finished episode. */
export interface JournalEntry {
  /** Name of the strategy. */
  readonly strategy: string;
  /** Tells the method's network that its runs went through from others; absent where that was the policy's own. */
  readonly network?: string;
  readonly episode: EpisodeRecord;
}

/** A journal is a file of JSON lines: the header, then an entry per episode, added as soon as it is over. */
export function journalLine(value: JournalHeader | JournalEntry): string {
  return `${JSON.stringify(value)}\n`;
}

/** A line that is no entry. */
export interface DamagedLine {
  /** Of the file; the header is line 1. */
  readonly line: number;
  readonly problem: string;
}

export interface JournalContent {
  /** By `entryKey` and seed; of a seed that is there twice, the newer one. */
  readonly episodes: ReadonlyMap<string, ReadonlyMap<number, EpisodeRecord>>;
  /** Lines that were left out, and their episodes with them. */
  readonly damaged: readonly DamagedLine[];
  /** Whether the last line was cut off, because the process ended while it wrote, and is left out. */
  readonly isCutOff: boolean;
}

/** What an entry's episodes are found by: of one strategy through one network. */
export function entryKey(strategy: string, network: string | undefined): string {
  return network === undefined ? strategy : `${strategy} through ${network}`;
}

/** Lines that a message names; of others it tells how many. */
const NAMED_LINES = 3;

/**
 * Reads a journal. A last line that was cut off is left out without a word. `skipDamaged`: other lines that are no entries are
 * left out as well, and told of.
 * @throws SetupError where the journal belongs to another evaluation, naming what differs, and for a line that is no entry.
 */
export function readJournal(text: string, expected: JournalHeader, file: string, skipDamaged = false): JournalContent {
  const [first = '', ...lines] = text.split('\n');
  checkHeader(parseLine(first), expected, file);
  const episodes = new Map<string, Map<number, EpisodeRecord>>();
  const damaged: DamagedLine[] = [];
  let isCutOff = false;
  lines.forEach((line, index) => {
    const isLast = index === lines.length - 1;
    if (isLast && line === '') return;
    const entry = parseLine(line);
    const problem = entryProblem(entry, expected.maxTicks);
    if (problem === undefined) {
      const { strategy, network, episode } = entry as JournalEntry;
      const key = entryKey(strategy, network);
      episodes.set(key, (episodes.get(key) ?? new Map<number, EpisodeRecord>()).set(episode.seed, episode));
    } else if (isLast && entry === undefined) isCutOff = true;
    else damaged.push({ line: index + 2, problem });
  });
  if (damaged.length > 0 && !skipDamaged) {
    throw new SetupError(
      `${file}: ${damagedLines(damaged)}. Give --skip-damaged to run the episodes of such lines again, or another --output folder.`,
    );
  }
  return { episodes, damaged, isCutOff };
}

/** "line 7 is no episode: score must be …", for the first few of them. */
export function damagedLines(damaged: readonly DamagedLine[]): string {
  const named = damaged.slice(0, NAMED_LINES).map(({ line, problem }) => `line ${line} is no episode of this evaluation: ${problem}`);
  const more = damaged.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more such lines`] : [])].join('; ');
}

function checkHeader(header: unknown, expected: JournalHeader, file: string): void {
  const { format, version, task, maxTicks, fingerprint } = isObject(header) ? header : {};
  if (format !== expected.format || version !== expected.version) {
    throw new SetupError(`${file} is no journal of an evaluation by this version: choose another --output folder, or delete it`);
  }
  const was = new Map(Object.entries({ task, maxTicks, ...(isObject(fingerprint) ? fingerprint : {}) }));
  const is = new Map<string, unknown>(Object.entries({ task: expected.task, maxTicks: expected.maxTicks, ...expected.fingerprint }));
  const different = [...new Set([...was.keys(), ...is.keys()])].filter(
    (key) => was.get(key) !== is.get(key) && (was.has(key) || !LATER_FACTS.has(key)),
  );
  if (different.length > 0) {
    const list = different
      .slice(0, NAMED_FACTS)
      .map((key) => `${key.slice(0, 60)} was ${fact(was.get(key))}, now it is ${fact(is.get(key))}`);
    throw new SetupError(`${file} belongs to another evaluation (${list.join('; ')}): choose another --output folder, or delete it`);
  }
}

/** Of which earlier versions wrote nothing: theirs are gone on with. */
const LATER_FACTS: ReadonlySet<string> = new Set(['simulator']);

/** More facts than a journal of this version has. */
const NAMED_FACTS = 12;

function fact(value: unknown): string {
  return typeof value === 'string' && value.length <= 200 ? value : value == null ? 'none' : shown(value);
}

function entryProblem(value: unknown, maxTicks: number): string | undefined {
  if (value === undefined) return 'it is not JSON';
  if (!isObject(value)) return `expected an object, found ${shown(value)}`;
  if (typeof value['strategy'] !== 'string') return `strategy must be a text, found ${shown(value['strategy'])}`;
  const { network } = value;
  if (network !== undefined && typeof network !== 'string') return `network must be a text, found ${shown(network)}`;
  const { episode } = value as unknown as JournalEntry;
  const problem = episodeProblem(episode);
  if (problem !== undefined || episode.ticks <= maxTicks) return problem;
  return `ticks must be at most ${maxTicks}, found ${episode.ticks}`;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
