import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf } from '../support/module-graph.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ARCHITECTURE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

/** Which rooms each room may import from, besides itself: the table of docs/architecture.md, the one copy of the rule. */
const ROOMS: ReadonlyMap<string, readonly string[]> = new Map(
  [...ARCHITECTURE.matchAll(/^\| `([\w.]+)` \| ([\w. ]*)\|/gm)].map(([, room, allowed]): [string, string[]] => [
    room as string,
    (allowed as string).split(' ').filter((name) => name !== ''),
  ]),
);
/** The rooms that may import Node, and those that are free of any device. */
const NODE_ROOMS = ['platform', 'sockets', 'terminal', 'cli'];
const PURE_ROOMS = [
  'foundation',
  'spec',
  'diffusion',
  'checkpoints',
  'datasets',
  'rendering',
  'observations',
  'strategies',
  'envs',
  'report',
];

interface SourceFile {
  readonly path: string;
  readonly room: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

function roomOf(path: string): string {
  const parts = path.split('/');
  return (parts[0] === 'src' ? parts[1] : parts[0]) as string;
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
const CORE_FILES = FILES.filter(({ room }) => !NODE_ROOMS.includes(room));

function targetOf(path: string, specifier: string): string {
  return relative('/', join('/', dirname(path), specifier)).replace(/\.js$/, '.ts');
}

/** The files that a file imports of this repository. */
function targetsOf({ path, imports }: SourceFile): string[] {
  return imports.filter(({ specifier }) => specifier.startsWith('.')).map(({ specifier }) => targetOf(path, specifier));
}

/** Chains of imports that come back to where they began. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const chain: string[] = [];
  const visit = (file: string): void => {
    if (chain.includes(file)) {
      found.push([...chain.slice(chain.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    chain.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    chain.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

describe('imports', () => {
  it('are found by this test', () => {
    const code =
      "import { a } from 'a';\nimport type { b } from 'b';\nimport {\n  c,\n} from 'c';\nexport * from 'd';\nawait import('e');\n";
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

  it('go one way between the rooms, as the table says', () => {
    expect([...ROOMS.keys()].length).toBeGreaterThan(15);
    const wrong = FILES.flatMap((file) => {
      const allowed = ROOMS.get(file.room);
      if (!allowed) return [`${file.path}: room ${file.room} is not in the table of docs/architecture.md`];
      return targetsOf(file)
        .filter((target) => roomOf(target) !== file.room && !allowed.includes(roomOf(target)))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('go one way between the rooms of the table itself: a row names rooms above it alone', () => {
    const rooms = [...ROOMS.keys()];
    expect(
      rooms.flatMap((room, row) =>
        (ROOMS.get(room) as string[]).filter((name) => !rooms.slice(0, row).includes(name)).map((name) => `${room} → ${name}`),
      ),
    ).toEqual([]);
  });

  it('make no circle between files', () => {
    expect(
      circles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a']],
          ['d', ['a']],
        ]),
      ),
    ).toEqual(['a → b → c → a']);
    expect(circles(new Map(FILES.map((file) => [file.path, targetsOf(file)])))).toEqual([]);
  });

  it('leave the pure rooms without kernels, runtime or network', () => {
    const reached = (room: string): string[] => [...new Set((ROOMS.get(room) as string[]).flatMap((name) => [name, ...reached(name)]))];
    for (const room of PURE_ROOMS) expect(reached(room).filter((name) => !PURE_ROOMS.includes(name))).toEqual([]);
  });

  it('of kernels in the runtime are types only: the runtime knows no kernel', () => {
    const wrong = FILES.filter(({ room }) => room === 'runtime').flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, typesOnly }) => specifier.includes('/kernels/') && !typesOnly)
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of packages: the core has one, data sets those that read their formats, and nothing of Node', () => {
    const packages = (files: readonly SourceFile[]): string[] => [
      ...new Set(
        files.flatMap(({ imports }) => imports.map(({ specifier }) => specifier).filter((specifier) => !specifier.startsWith('.'))),
      ),
    ];
    const inDatasets = CORE_FILES.filter(({ room }) => room === 'datasets');
    const recording = CORE_FILES.filter(({ room }) => room === 'recording');
    const elsewhere = CORE_FILES.filter(({ room }) => !['datasets', 'recording'].includes(room));
    // An optional peer: no file of its is loaded before something is recorded or read.
    expect(packages(recording)).toEqual(['@mcap/core']);
    const loads = recording.flatMap(({ path, imports }) =>
      imports.filter(({ specifier, typesOnly }) => specifier === '@mcap/core' && !typesOnly).map(() => path),
    );
    expect([...new Set(loads)]).toEqual(['src/recording/mcap.ts']);
    expect(packages(elsewhere)).toEqual(['wgsl-preprocessor/wgsl-preprocessor.js']);
    expect(packages(inDatasets).sort()).toEqual([
      'hyparquet',
      'hyparquet-compressors',
      'hyparquet-writer/src/index.js',
      'hyparquet/src/column.js',
      'hyparquet/src/index.js',
      'zarrita',
    ]);
    // The name alone would bring Node's files along, in Node; of it, types are imported.
    const named = inDatasets.flatMap(({ imports }) => imports.filter(({ specifier }) => specifier === 'hyparquet'));
    expect(named.every(({ typesOnly }) => typesOnly)).toBe(true);
  });
});

describe('the core', () => {
  it.each(['Buffer', 'process', 'require', '__dirname', '__filename', 'setImmediate', 'global'])("does not use Node's %s", (name) => {
    const use = new RegExp(`(?<![.\\w'])${name}\\s*[.(\\[]`);
    expect(CORE_FILES.filter(({ code }) => use.test(code)).map(({ path }) => path)).toEqual([]);
    // The same search finds it where it may be used, so it does find things.
    if (name === 'process') expect(FILES.some(({ code }) => use.test(code))).toBe(true);
  });
});
