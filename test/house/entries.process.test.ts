import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Target {
  /** First, and once: the types are the same under every condition. */
  readonly types: string;
  /** What runs in Node, where that is another module. */
  readonly node?: string;
  /** Left out where an entry is for Node alone. */
  readonly default?: string;
}

interface Package {
  readonly name: string;
  readonly exports: Readonly<Record<string, Target | string>>;
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly sideEffects: readonly string[];
}

const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package;

interface Entry {
  /** As a program imports it. */
  readonly specifier: string;
  readonly target: Target;
  /** The file whose names it has. */
  readonly surface: string;
  /** The file that runs in a browser; in Node, where there is no other. */
  readonly source: string;
}

const sourceOf = (built: string): string => built.replace('./dist/', '').replace(/(\.d\.ts|\.js)$/, '.ts');

const ENTRIES: readonly Entry[] = Object.entries(PACKAGE.exports).flatMap(([path, target]) => {
  if (typeof target === 'string') return [];
  return [
    {
      specifier: path.replace('.', PACKAGE.name),
      target,
      surface: sourceOf(target.types),
      source: sourceOf(target.default ?? (target.node as string)),
    },
  ];
});

const ANYWHERE = ENTRIES.filter(({ target }) => target.default !== undefined);

/** The names of an entry, types among them, as its text lists them. */
function namesOf(source: string): string[] {
  const text = readFileSync(join(ROOT, source), 'utf8');
  const declared = [...text.matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name as string);
  const listed = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, type, names]) =>
    (names as string)
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => (type && !name.startsWith('type ') ? `type ${name}` : name)),
  );
  const stars = [...text.matchAll(/^export \* from '([^']+)'/gm)];
  const again = stars.flatMap(([, from]) => namesOf(join(source, '..', (from as string).replace(/\.js$/, '.ts'))));
  return [...new Set([...declared, ...listed, ...again])].sort();
}

function valuesOf(source: string): string[] {
  return namesOf(source).filter((name) => !name.startsWith('type '));
}

/** The files of this repository that a browser would get, without what a bundler drops. */
async function bundle(source: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [join(ROOT, source)],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  return metafile;
}

describe('the entries of the package', () => {
  it('are these', () => {
    expect(ENTRIES.map(({ specifier }) => specifier)).toEqual([
      'warmstep',
      'warmstep/core',
      'warmstep/worker',
      'warmstep/robots',
      'warmstep/control',
      'warmstep/recording',
      'warmstep/evaluation',
      'warmstep/push-t',
      'warmstep/so101',
      'warmstep/gripper',
      'warmstep/diffusion',
      'warmstep/checkpoints',
      'warmstep/datasets',
      'warmstep/training',
      'warmstep/server',
      'warmstep/lerobot-server',
    ]);
  });

  it('have files behind them, with types, and the files are published', () => {
    for (const { specifier, target, surface, source } of ENTRIES) {
      expect(Object.keys(target)[0]).toBe('types');
      for (const file of [surface, source, ...Object.values<string>({ ...target })])
        expect(existsSync(join(ROOT, file)), `${specifier}: ${file}`).toBe(true);
      expect((target.default ?? target.node)?.startsWith('./dist/src/')).toBe(true);
    }
    expect(PACKAGE.files).toEqual(expect.arrayContaining(['dist/src', 'dist/kernels', 'checkpoints']));
  });

  it('export the names of the checked-in list and no others', async () => {
    const lines = ENTRIES.flatMap(({ specifier, surface }) => namesOf(surface).map((name) => `${specifier} ${name}`));
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('entries.txt');
  });

  it('resolve in Node as a program would import them, to the values that the list names', () => {
    const program = `
      const found = {};
      for (const specifier of ${JSON.stringify(ENTRIES.map(({ specifier }) => specifier))}) {
        found[specifier] = Object.keys(await import(specifier)).sort();
      }
      console.log(JSON.stringify(found));`;
    const found: unknown = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, encoding: 'utf8' }),
    );
    expect(found).toEqual(Object.fromEntries(ENTRIES.map(({ specifier, surface }) => [specifier, valuesOf(surface)])));
  });

  it.each(ANYWHERE)('$specifier has the same names where there is no Node', async ({ surface, target }) => {
    expect(Object.keys((await import(join(ROOT, target.default as string))) as object).sort()).toEqual(valuesOf(surface));
  });

  it('list their names one by one', () => {
    for (const { surface } of ENTRIES.slice(1)) expect(readFileSync(join(ROOT, surface), 'utf8')).not.toContain('export *');
  });
});

describe('a bundle for the browser', () => {
  it.each(ANYWHERE.map(({ specifier, source }) => [specifier, source]))('of %s has nothing of Node', async (_, source) => {
    const { inputs } = await bundle(source);
    expect(Object.keys(inputs)).toContain(source);
    expect(Object.values(inputs).flatMap(({ imports }) => imports.filter(({ external }) => external))).toEqual([]);
    expect(Object.keys(inputs).filter((file) => /^src\/(platform\/node|terminal|cli)\//.test(file))).toEqual([]);
  });

  it('of the core has neither evaluation nor report nor simulator nor control loop', async () => {
    const { inputs } = await bundle('src/entries/core.ts');
    expect(Object.keys(inputs).length).toBeGreaterThan(80);
    expect(
      Object.keys(inputs).filter((file) => /^src\/(evaluation|report|envs|analysis|control|verification|tuning|datasets)\//.test(file)),
    ).toEqual([]);
  });

  it.each(['control', 'recording', 'robots', 'push-t', 'so101', 'gripper', 'diffusion', 'checkpoints', 'datasets'])(
    'of %s has no device and no kernel',
    async (name) => {
      const { inputs } = await bundle(`src/entries/${name}.ts`);
      expect(Object.keys(inputs).filter((file) => /^(kernels|src\/(runtime|ops|networks|decision|policy))\//.test(file))).toEqual([]);
    },
  );
});

describe('side effects', () => {
  it('are those of the command line alone: a bundler may drop every other module that is not used', () => {
    expect(PACKAGE.sideEffects).toEqual(Object.values(PACKAGE.bin).map((file) => `./${file}`));
  });

  it('are none elsewhere: no module calls anything for what the call does', () => {
    const bare = /^(?:await\s+)?[\w.]+\(|^(?:for|while|if|try)\b|^[\w.]+\s*(?:\?\?|\+)?=(?!=)/m;
    expect(bare.test("process.stdout.on('error', () => {});")).toBe(true);
    const files = ['kernels', 'src'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    );
    // Comments and WGSL are no code of the module.
    const codeOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|`(?:\\.|[^`\\])*`/g, "''");
    expect(files.filter((file) => bare.test(codeOf(file)))).toEqual(['src/cli/main.ts']);
  });
});
