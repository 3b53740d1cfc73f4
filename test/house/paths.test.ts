import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['src', 'bench', 'kernels', 'examples', 'test']
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
  .filter((file) => /\.m?[jt]s$/.test(file) && !/node_modules/.test(file));

describe('folders that a user names', () => {
  it('are made by one function: mkdir of Node, asked to be recursive, never ends at a link that leads nowhere', () => {
    const makers = FILES.filter((file) => file.startsWith('src/') && /\bmkdir(Sync)?\(/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(makers).toEqual(['src/platform/node/make-folder.ts']);
    // Which says bare what stands in the way: who makes a folder words it, as what cannot be written, or as SwiftShader's that cannot be unpacked.
    const callers = FILES.filter((file) => file.startsWith('src/') && readFileSync(join(ROOT, file), 'utf8').includes("/make-folder.js'"));
    expect(callers).toEqual(['src/platform/node/output-file.ts', 'src/platform/node/swiftshader.ts']);
  });
});

describe('paths of files beside a module', () => {
  it('are decoded from its URL: a folder may have spaces in its name', () => {
    const encoded = /import\.meta\.url\)\.pathname/;
    expect(FILES.length).toBeGreaterThan(500);
    expect(FILES.filter((file) => file !== 'test/house/paths.test.ts' && encoded.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });
});
