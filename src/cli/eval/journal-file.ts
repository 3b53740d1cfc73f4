import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type JournalHeader, journalLine, readJournal } from '../../evaluation/journal.js';
import type { EpisodeRecord } from '../../evaluation/record.js';

/**
 * Episodes on disk, written as soon as each is over, so that an evaluation that was interrupted, or crashed, goes on where
 * it was.
 */
export class JournalFile {
  readonly #file: string;
  readonly #episodes: ReadonlyMap<string, ReadonlyMap<number, EpisodeRecord>>;

  /** `file`: in a folder that is there. @throws OptionError where the file belongs to another evaluation. */
  constructor(file: string, header: JournalHeader) {
    this.#file = file;
    if (existsSync(file)) {
      const text = readFileSync(file, 'utf8');
      this.#episodes = readJournal(text, header, file);
      // A line that was cut off must not swallow the next one.
      if (!text.endsWith('\n')) appendFileSync(file, '\n');
    } else {
      writeFileSync(file, journalLine(header));
      this.#episodes = new Map();
    }
  }

  /** Episodes of a strategy that were there when the file was opened, by seed. */
  episodes(strategy: string): ReadonlyMap<number, EpisodeRecord> {
    return this.#episodes.get(strategy) ?? new Map();
  }

  add(strategy: string, episode: EpisodeRecord): void {
    appendFileSync(this.#file, journalLine({ strategy, episode }));
  }
}
