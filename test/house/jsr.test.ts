import { describe, expect, it } from 'vitest';
import { jsrFiles, packagesOf } from '../../tools/jsr/files.js';
import { jsrManifest, type Manifest } from '../../tools/jsr/manifest.js';

const SOURCES: Readonly<Record<string, string>> = {
  '/p/src/a.ts': `import { b } from './b.js';\nimport { parse } from 'packed/src/parse.js';\nexport * from "../kernels/k.wgsl.js";\n`,
  '/p/src/b.ts': `export const b = () => import('./deep/c.js');\ntype C = typeof import('./deep/c.js');\nexport type { C };\n`,
  '/p/src/deep/c.ts': `import '../a.js';\nimport type { T } from '@scope/typed';\nimport { join } from 'node:path';\nexport const url = './b.js';\n`,
  '/p/kernels/k.wgsl.ts': 'export const k = 1;\n',
  '/p/src/unused.ts': 'never read',
};
const read = (path: string): string => {
  const text = SOURCES[path];
  if (text === undefined) throw new Error(`nothing at ${path}`);
  return text;
};

describe('the copy for JSR', () => {
  const files = jsrFiles(['/p/src/a.ts'], read);

  it('has what its entries reach, with imports of what exists', () => {
    expect([...files.keys()].sort()).toEqual(['/p/kernels/k.wgsl.ts', '/p/src/a.ts', '/p/src/b.ts', '/p/src/deep/c.ts']);
    expect(files.get('/p/src/a.ts')).toBe(
      `import { b } from './b.ts';\nimport { parse } from 'packed/src/parse.js';\nexport * from "../kernels/k.wgsl.ts";\n`,
    );
    expect(files.get('/p/src/b.ts')).toBe(
      `export const b = () => import('./deep/c.ts');\ntype C = typeof import('./deep/c.ts');\nexport type { C };\n`,
    );
    // A text that is no import stays what it is.
    expect(files.get('/p/src/deep/c.ts')).toContain(`url = './b.js'`);
  });

  it('names the file that an import does not lead to', () => {
    expect(() => jsrFiles(['/p/src/x.ts'], (path) => (path === '/p/src/x.ts' ? `import './gone.js';` : read(path)))).toThrow(
      '/p/src/gone.ts',
    );
  });

  it('has the entries that run in Deno, and the packages that it imports', () => {
    expect([...packagesOf(files.values())].sort()).toEqual(['@scope/typed', 'packed']);
    const manifest: Manifest = {
      name: 'ours',
      version: '1.2.3',
      license: 'MIT',
      exports: {
        '.': { types: './dist/src/t.d.ts', deno: './dist/src/deno.js', node: './dist/src/node.js', default: './dist/src/web.js' },
        './core': { types: './dist/src/core.d.ts', default: './dist/src/core.js' },
        './server': { types: './dist/src/server.d.ts', node: './dist/src/server.js' },
        './package.json': './package.json',
      },
      dependencies: { packed: '^2.0.0', unused: '^3.0.0' },
      peerDependencies: { '@scope/typed': '^4.0.0' },
    };
    expect(jsrManifest(manifest, packagesOf(files.values()))).toEqual({
      name: '@warmstep/ours',
      version: '1.2.3',
      license: 'MIT',
      exports: { '.': './src/deno.ts', './core': './src/core.ts' },
      imports: {
        packed: 'npm:packed@^2.0.0',
        'packed/': 'npm:/packed@^2.0.0/',
        '@scope/typed': 'npm:@scope/typed@^4.0.0',
        '@scope/typed/': 'npm:/@scope/typed@^4.0.0/',
      },
    });
  });
});
