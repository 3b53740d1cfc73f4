import type { OnLoadProgress } from '../policy/load-progress.js';

/** The share of a load that fetching it is given where there is anything to fetch. It is weighed by no clock. */
const SHARE = 0.5;

/** Tells what is fetched, of several folders, and what is loaded as one fraction that never falls. */
export class DownloadReporter {
  readonly #listener: OnLoadProgress | undefined;
  readonly #parts: { done: number; total: number }[] = [];
  #loaded = 0;
  #fraction = 0;

  constructor(listener: OnLoadProgress | undefined) {
    this.#listener = listener;
  }

  /** The listener of a load that comes after, or goes on at the same time. */
  get loading(): OnLoadProgress | undefined {
    const listener = this.#listener;
    if (!listener) return undefined;
    return (fraction, progress) => {
      this.#loaded = fraction;
      listener(this.#next(), progress);
    };
  }

  /** The listener of one more folder that is fetched. */
  begin(): (done: number, total: number) => void {
    const part = { done: 0, total: 0 };
    this.#parts.push(part);
    return (done, total) => {
      Object.assign(part, { done, total });
      this.#listener?.(this.#next(), { stage: 'download', ...this.#bytes() });
    };
  }

  #bytes(): { readonly done: number; readonly total: number } {
    const sum = (key: 'done' | 'total'): number => this.#parts.reduce((bytes, part) => bytes + part[key], 0);
    return { done: sum('done'), total: sum('total') };
  }

  #next(): number {
    const { done, total } = this.#bytes();
    const fraction = total === 0 ? this.#loaded : SHARE * (done / total) + (1 - SHARE) * this.#loaded;
    // What is loaded was fetched: files that are read in part are never fetched whole.
    this.#fraction = this.#loaded === 1 ? 1 : Math.max(this.#fraction, fraction);
    return this.#fraction;
  }
}
