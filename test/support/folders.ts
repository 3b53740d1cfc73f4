import { readdirSync, readFileSync } from 'node:fs';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';

export type Files = Record<string, Uint8Array | string>;

const GOLDENS = new URL('../goldens/', import.meta.url);

/** The files of a folder of test/goldens, such as "state-ddim2/policy". */
export function goldenFiles(folder: string): Files {
  const url = new URL(`${folder}/`, GOLDENS);
  const files = readdirSync(url, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, new Uint8Array(readFileSync(new URL(name, url)))]));
}

export function golden(folder: string): CheckpointSource {
  return memorySource(folder, goldenFiles(folder));
}

/** The cases of decisions in test/goldens that have the given folder; not those of training. */
export function goldenCases(folder: string): string[] {
  return readdirSync(GOLDENS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('train-'))
    .filter((entry) => readdirSync(new URL(entry.name, GOLDENS)).includes(folder))
    .map((entry) => entry.name);
}

export function jsonOf(files: Files, file: string): unknown {
  const content = files[file]!;
  return JSON.parse(typeof content === 'string' ? content : new TextDecoder().decode(content));
}
