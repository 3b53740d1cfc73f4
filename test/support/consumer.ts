import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './projects.js';

/** How a program is compiled that uses the package. */
export interface Setting {
  readonly name: string;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
}

const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];
const DOM = ['es2023', 'dom', 'dom.iterable'];
const PROGRAM = 'program.ts';

/**
 * Every resolution, in a project that knows nothing of its surroundings, that knows Node, and that knows browsers; always
 * with libraries checked. `gpuTypes`: the package that brings WebGPU's types, where the compiler's `dom` has none.
 */
export function settings(gpuTypes: readonly string[] = []): Setting[] {
  const surroundings = [
    { label: 'nothing', lib: ['es2023'], types: [], files: [PROGRAM] },
    { label: 'Node', lib: ['es2023'], types: ['node'], files: [PROGRAM] },
    { label: 'Node and dom', lib: DOM, types: ['node'], files: [PROGRAM] },
    { label: 'dom', lib: DOM, types: [], files: [PROGRAM] },
    { label: 'dom and WebGPU', lib: DOM, types: gpuTypes, files: [PROGRAM, 'page.ts'] },
  ];
  return RESOLUTIONS.flatMap((resolution) =>
    surroundings.map(({ label, files, ...known }) => ({
      name: `${resolution.moduleResolution}, knowing ${label}`,
      compilerOptions: { ...resolution, ...known },
      files,
    })),
  );
}

/** Lays a project out, without the package. */
export function layOutConsumer(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types', '@webgpu'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  for (const file of [PROGRAM, 'page.ts']) cpSync(join(ROOT, 'test/consumer', file), join(folder, file));
}

/** The declarations as they are built, where an installed package would lie: quicker than packing one. */
export function installDeclarations(folder: string): void {
  const target = join(folder, 'node_modules/warmstep');
  cpSync(join(ROOT, 'package.json'), join(target, 'package.json'));
  const filter = (path: string): boolean => !/\.(js|map)$/.test(path);
  for (const part of ['dist/src', 'dist/kernels']) cpSync(join(ROOT, part), join(target, part), { recursive: true, filter });
}

/** Packs the package as a release would be, and unpacks it where an installation would. */
export function installPacked(folder: string): void {
  const target = join(folder, 'node_modules/warmstep');
  mkdirSync(target, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' });
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', target, '--strip-components=1']);
}

/** What a compiler says of the project in a setting: nothing where all is well. */
export function compileConsumer(tsc: string, folder: string, { name, compilerOptions, files }: Setting): Promise<string> {
  const config = join(folder, `tsconfig.${name.replaceAll(/\W+/g, '-')}.json`);
  const strict = { target: 'es2023', strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true };
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...strict, ...compilerOptions }, files }));
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', config], { cwd: folder, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` || String(error) : ''),
    );
  });
}

/** The compiler that a folder of this repository has; undefined where none is installed. */
export function compilerIn(folder: string): string | undefined {
  const file = join(ROOT, folder, 'node_modules/typescript/bin/tsc');
  return existsSync(file) ? file : undefined;
}
