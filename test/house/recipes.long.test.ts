import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPacked } from '../support/consumer.js';
import { ROOT } from '../support/projects.js';

interface Block {
  /** `docs/hub.md:12`, for messages. */
  readonly where: string;
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of the documents that the package has. */
function blocks(): Block[] {
  const files = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  return files.flatMap((file) => {
    const document = readFileSync(join(ROOT, file), 'utf8');
    return [...document.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
      where: `${file}:${document.slice(0, match.index).split('\n').length}`,
      language: match[1] as string,
      text: match[2] as string,
    }));
  });
}

const BLOCKS = blocks();
const SCRIPTS = BLOCKS.filter(({ language }) => ['ts', 'js'].includes(language));
/** Lines that call the command line, continued ones joined. */
const COMMANDS = BLOCKS.flatMap(({ where, text }) =>
  text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, rest] = /^\s*(?:\$ )?(?:WARMSTEP_\w+=\S+ )?(?:npx )?warmstep ([a-z].*)$/.exec(line) ?? [];
      return rest === undefined ? [] : [{ where, line: (rest.split(/\s+#|\s[|>]/)[0] as string).trim() }];
    }),
);

/** The package as npm packs it, in a folder that has nothing else but what it depends on. */
describe('recipes of the documents, with the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warmstep-recipes-'));
  const main = join(folder, 'node_modules/warmstep/dist/src/cli/main.js');
  beforeAll(() => {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    installPacked(folder);
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, object>;
    // SwiftShader is a development dependency, of whoever has no GPU.
    for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@sparticuz/chromium']) {
      const target = join(folder, 'node_modules', name);
      mkdirSync(dirname(target), { recursive: true });
      if (existsSync(join(ROOT, 'node_modules', name))) symlinkSync(join(ROOT, 'node_modules', name), target);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are there', () => {
    expect(SCRIPTS.length).toBeGreaterThan(10);
    expect(COMMANDS.length).toBeGreaterThan(10);
  });

  it.each(SCRIPTS)('$where is a program, and imports what there is', async ({ language, text }) => {
    await transform(text, { loader: language === 'ts' ? 'ts' : 'js', format: 'esm' });
    const imports = [...text.matchAll(/^import \{([^}]*)\} from '(?:npm:)?(warmstep[\w/-]*)'/gm)];
    const checks = imports.map(([, names, entry]) => {
      const wanted = (names as string)
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type '))
        .map((name) => name.split(' as ')[0] as string);
      return `{ const found = await import('${entry}'); for (const name of ${JSON.stringify(wanted)}) if (!(name in found)) throw new Error('${entry} has no ' + name); }`;
    });
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', checks.join('\n')], { cwd: folder });
  });

  const help = new Map<string, string>();
  it.each(COMMANDS)('$where: warmstep $line', ({ line }) => {
    const [command = '', ...words] = line.split(/\s+/);
    if (!help.has(command)) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, command, '--help'], { cwd: folder, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      help.set(command, stdout);
    }
    const options = words.flatMap((word) => /^\[?(--[a-z][\w-]*)/.exec(word)?.[1] ?? []);
    for (const option of options) if (option !== '--help') expect(help.get(command)).toContain(option);
  });

  it.each([
    ['inspect', 'node_modules/warmstep/checkpoints/pusht-state/policy'],
    [
      'run',
      '--policy',
      'synthetic/policy',
      '--predictor',
      'synthetic/predictor',
      '--input',
      'synthetic/observations.safetensors',
      '--output',
      'actions.safetensors',
    ],
  ])('%s runs there', async (...args) => {
    if (args[0] === 'run')
      execFileSync(process.execPath, [main, 'bench', '--write-checkpoint', 'synthetic', '--size', 'tiny'], { cwd: folder });
    await promisify(execFile)(process.execPath, [main, ...args], { cwd: folder });
  });
});
