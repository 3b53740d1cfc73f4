/**
 * Writes the package as JSR takes it into a folder (`npm run jsr`: out/jsr): TypeScript whose relative imports name the files that exist, what the entries for any
 * runtime and for Deno reach and nothing else, and a `jsr.json`.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import { atMost } from '../../src/terminal/options.js';
import { print } from '../../src/terminal/output.js';
import { runScript } from '../script.js';
import { jsrFiles, packagesOf } from './files.js';
import { jsrExports, jsrManifest, type Manifest } from './manifest.js';

const USAGE = `usage: node dist/tools/jsr/build.js [--output DIR]

  --output DIR   folder of the package (default out/jsr)`;

const ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));

/** Writes the files and the manifest; what was in the folder before is gone. Returns the paths of the sources in it. */
export function buildJsr(folder: string): readonly string[] {
  const ours = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const entries = Object.values(jsrExports(ours)).map((path) => join(ROOT, path));
  const files = jsrFiles(entries, (path) => readFileSync(path, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  const written = [...files].map(([path, text]) => {
    const place = relative(ROOT, path);
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    writeFileSync(join(folder, place), text);
    return place;
  });
  for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md']) cpSync(join(ROOT, name), join(folder, name));
  writeFileSync(join(folder, 'jsr.json'), `${JSON.stringify(jsrManifest(ours, packagesOf(files.values())), null, 2)}\n`);
  return written;
}

function rootOf(from: string): string {
  return statSync(join(from, 'package.json'), { throwIfNoEntry: false }) ? from : rootOf(dirname(from));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript('node dist/tools/jsr/build.js', USAGE, async (args) => {
    const { values, positionals } = parseCommandLine(args, { output: { type: 'string' } });
    atMost(positionals, 0);
    const { output = join(ROOT, 'out/jsr') } = values;
    print(`${buildJsr(output).length} files in ${output}`);
    return 0;
  });
}
