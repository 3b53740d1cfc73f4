import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;

/** Files of src/ itself that any room may use. */
const SHARED = ['src/errors.ts', 'src/half.ts', 'src/nearest-rank.ts', 'src/network-shapes.ts', 'src/noise-schedule-options.ts', 'src/options.ts'];
/** Rooms above the policy that run in any JavaScript runtime too. */
const APPLICATIONS = ['src/envs', 'src/control', 'src/evaluation', 'src/analysis'];
const CORE = [
  'kernels', 'src/runtime', 'src/ops', 'src/networks', 'src/diffusion', 'src/checkpoints', 'src/policy', 'src/verification', 'src/synthetic',
];

/** Which rooms each room may import from, besides itself and the shared files. A room that is not here does not exist. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  'src/runtime': ['kernels'],
  'src/ops': ['kernels', 'src/runtime'],
  'src/networks': ['kernels', 'src/runtime', 'src/ops'],
  'src/diffusion': [],
  'src/checkpoints': [],
  'src/policy': CORE.filter((room) => room !== 'src/verification' && room !== 'src/synthetic'),
  'src/synthetic': ['src/checkpoints', 'src/diffusion', 'src/networks', 'src/policy'],
  'src/verification': CORE,
  'src/tuning': CORE,
  'src/envs': [],
  'src/control': ['src/policy'],
  'src/evaluation': ['src/diffusion', 'src/envs', 'src/policy'],
  'src/analysis': ['src/diffusion', 'src/envs', 'src/evaluation', 'src/policy'],
  'src/platform': [...CORE, 'src/index.ts'],
  'src/cli': [...CORE, ...APPLICATIONS, 'src/tuning', 'src/platform', 'src/index.ts'],
  'src/index.ts': [...CORE, ...APPLICATIONS],
  'src/errors.ts': [],
  'src/half.ts': [],
  'src/network-shapes.ts': [],
  'src/noise-schedule-options.ts': [],
  'src/nearest-rank.ts': [],
  'src/options.ts': [],
};
const OUTSIDE_THE_CORE = ['src/platform', 'src/cli', 'src/server'];

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

interface SourceFile {
  readonly path: string;
  readonly room: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

function importsOf(code: string): Import[] {
  const found = [...code.matchAll(/^(?:import|export)\s(type\s)?[^;']*?\bfrom '([^']+)'/gm)].map((match) => ({
    specifier: match[2] as string,
    typesOnly: match[1] !== undefined,
  }));
  const dynamic = [...code.matchAll(/\bimport\s*\(?\s*'([^']+)'/g)].map((match) => ({ specifier: match[1] as string, typesOnly: false }));
  return [...found, ...dynamic];
}

function roomOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'src' ? parts.slice(0, 2).join('/') : (parts[0] as string);
}

const FILES: readonly SourceFile[] = ['kernels', 'src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => {
      const path = join(folder, file);
      const code = readFileSync(join(ROOT, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
      return { path, room: roomOf(path), code, imports: importsOf(code) };
    }),
);
const CORE_FILES = FILES.filter(({ room }) => !OUTSIDE_THE_CORE.includes(room));

describe('imports', () => {
  it('are found by this test', () => {
    const code = "import { a } from 'a';\nimport type { b } from 'b';\nimport {\n  c,\n} from 'c';\nexport * from 'd';\nawait import('e');\n";
    expect(importsOf(code)).toEqual([
      { specifier: 'a', typesOnly: false },
      { specifier: 'b', typesOnly: true },
      { specifier: 'c', typesOnly: false },
      { specifier: 'd', typesOnly: false },
      { specifier: 'e', typesOnly: false },
    ]);
    expect(FILES.length).toBeGreaterThan(80);
    expect(FILES.filter(({ imports }) => imports.length > 0).length).toBeGreaterThan(60);
  });

  it('go one way between the rooms', () => {
    const wrong = FILES.flatMap(({ path, room, imports }) => {
      const allowed = ROOMS[room];
      if (!allowed) return [`${path}: room ${room} is not in the table`];
      return imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => relative('/', join('/', dirname(path), specifier)).replace(/\.js$/, '.ts'))
        .filter((target) => !SHARED.includes(target) && roomOf(target) !== room && !allowed.includes(roomOf(target)))
        .map((target) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('of kernels in the runtime are types only: the runtime knows no kernel', () => {
    const wrong = FILES.filter(({ room }) => room === 'src/runtime').flatMap(({ path, imports }) =>
      imports.filter(({ specifier, typesOnly }) => specifier.includes('/kernels/') && !typesOnly).map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of packages: the core has one, and nothing of Node', () => {
    const packages = CORE_FILES.flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => !specifier.startsWith('.')).map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(packages).toEqual(['kernels/wgsl.ts: wgsl-preprocessor/wgsl-preprocessor.js']);
  });
});

describe('the core', () => {
  it.each(['Buffer', 'process', 'require', '__dirname', '__filename', 'setImmediate', 'global'])('does not use Node\'s %s', (name) => {
    const use = new RegExp(`(?<![.\\w'])${name}\\s*[.(\\[]`);
    expect(CORE_FILES.filter(({ code }) => use.test(code)).map(({ path }) => path)).toEqual([]);
    // The same search finds it where it may be used, so it does find things.
    if (name === 'process') expect(FILES.some(({ code }) => use.test(code))).toBe(true);
  });
});
