import { existsSync } from 'node:fs';
import { type DamagedLine, entryKey, type JournalContent, type JournalHeader, journalLine, readJournal } from '../../evaluation/journal.js';
import type { EpisodeRecord } from '../../evaluation/record.js';
import { SetupError } from '../../foundation/setup-error.js';
import { fileProblem } from '../../platform/node/file-problem.js';
import { appendToOutputFile, truncateOutputFile, writeOutputFile } from '../../platform/node/output-file.js';
import { readRegularFile } from '../../platform/node/regular-file.js';

/** What a text can hold; an episode with its replay takes some 10 KB. */
const MOST_BYTES = 500_000_000;

const EMPTY: JournalContent = { episodes: new Map(), damaged: [], isCutOff: false };

/**
 * Episodes on disk, written as soon as each is over, so that an evaluation that was interrupted, or crashed, goes on where
 * it was. Nobody else writes to the file: its folder is locked.
 */
export class JournalFile {
  readonly #file: string;
  readonly #content: JournalContent;

  private constructor(file: string, content: JournalContent) {
    this.#file = file;
    this.#content = content;
  }

  /**
   * `file`: in a folder that is there. `skipDamaged`: lines that are no entries are left out.
   * @throws SetupError where the file belongs to another evaluation or is damaged, OutputError where it cannot be written.
   */
  static async open(file: string, header: JournalHeader, skipDamaged: boolean): Promise<JournalFile> {
    if (!existsSync(file)) {
      await writeOutputFile(file, journalLine(header));
      return new JournalFile(file, EMPTY);
    }
    const bytes = bytesOf(file);
    const content = readJournal(bytes.toString('utf8'), header, file, skipDamaged);
    // What was cut off must not swallow the next line.
    const end = bytes.lastIndexOf('\n') + 1;
    if (content.isCutOff) truncateOutputFile(file, end);
    else if (end < bytes.length) appendToOutputFile(file, '\n');
    return new JournalFile(file, content);
  }

  /** Lines that were left out because it was asked for. */
  get damaged(): readonly DamagedLine[] {
    return this.#content.damaged;
  }

  /** Episodes of a strategy that were there when the file was opened, by seed. `network`: as entries have it. */
  episodes(strategy: string, network: string | undefined): ReadonlyMap<number, EpisodeRecord> {
    return this.#content.episodes.get(entryKey(strategy, network)) ?? new Map();
  }

  add(strategy: string, network: string | undefined, episode: EpisodeRecord): void {
    appendToOutputFile(this.#file, journalLine({ strategy, ...(network === undefined ? {} : { network }), episode }));
  }
}

function bytesOf(file: string): Buffer {
  try {
    return readRegularFile(file, MOST_BYTES);
  } catch (error) {
    throw new SetupError(`${file} cannot be read (${fileProblem(error)}): choose another --output folder, or delete it`);
  }
}
