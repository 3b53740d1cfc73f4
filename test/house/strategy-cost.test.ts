import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NETWORK_NEEDS } from '../../src/strategies/network-needs.js';
import { ModuleGraph } from '../support/module-graph.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GRAPH = new ModuleGraph();
/** What knows everything: training and simulators too, so that what these use as well is no strategy's own. */
const PROGRAM = 'src/cli/main.ts';
/** Folders of methods' networks and what brings these to a device, by type, one line each. */
const REGISTRIES = ['src/checkpoints/methods/read-method.ts', 'src/decision/denoisers/load-method.ts'];
/** Starts are no method's network and have no registry: what STEP's is made of. */
const STEP_START = [
  'src/decision/starts/transformer.ts',
  'src/networks/predictor/predictor.ts',
  'src/checkpoints/predictor/read-predictor.ts',
];

const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const linesOf = (file: string): number => text(file).split('\n').length - 1;

/** Files that nothing would load if `files` were not there, these included. */
function onlyFor(files: readonly string[]): string[] {
  const reached = (without: ReadonlySet<string>): Set<string> => {
    const found = new Set<string>();
    const waiting = [join(ROOT, PROGRAM)];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (found.has(file) || without.has(file)) continue;
      found.add(file);
      waiting.push(...GRAPH.targets(file));
    }
    return found;
  };
  const left = reached(new Set(files.map((file) => join(ROOT, file))));
  return [...reached(new Set())].filter((file) => !left.has(file)).map((file) => file.slice(ROOT.length));
}

/** The file that a registry's line of a type comes from, where no other type has the same. */
function registered(registry: string, type: string): string[] {
  const code = text(registry);
  const name = new RegExp(`^  ${type}: (?:\\{ load: )?(\\w+)`, 'm').exec(code)?.[1] ?? '';
  const from = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '([^']+)\\.js'`).exec(code)?.[1];
  if (name === '' || from === undefined) throw new Error(`${registry} has no line for ${type}`);
  const isShared = [...code.matchAll(new RegExp(`^  \\w+: (?:\\{ load: )?${name}\\b`, 'gm'))].length > 1;
  return isShared ? [] : [join(registry, '..', `${from}.ts`)];
}

interface Cost {
  readonly names: readonly string[];
  readonly file: string;
  readonly lines: number;
  readonly more: readonly string[];
  readonly moreLines: number;
  readonly kernels: readonly string[];
}

/** Of every file that defines strategies. */
function costs(): Cost[] {
  const files = readdirSync(join(ROOT, 'src/strategies')).map((name) => `src/strategies/${name}`);
  return files.flatMap((file) => {
    const names = [...text(file).matchAll(/= defineStrategy\(\{\n {2}name: '([^']+)'/g)].map((match) => match[1] as string);
    const [name] = names;
    if (name === undefined) return [];
    const need = NETWORK_NEEDS[name as keyof typeof NETWORK_NEEDS];
    const networks = need ? REGISTRIES.flatMap((registry) => registered(registry, need.network)) : [];
    const gone = onlyFor([file, ...networks, ...(name === 'STEP' ? STEP_START : [])]);
    const kernels = gone.filter((one) => one.startsWith('kernels/'));
    const more = gone.filter((one) => one !== file && !one.startsWith('kernels/'));
    const moreLines = [...more, ...kernels].reduce((sum, one) => sum + linesOf(one), 0);
    return [{ names, file, lines: linesOf(file), more, moreLines, kernels }];
  });
}

const base = (file: string): string => (file.split('/').at(-1) as string).replace(/(\.wgsl)?\.ts$/, '');
const cells = ({ names, file, lines, more, moreLines, kernels }: Cost): string[] => [
  names.join(', '),
  `\`${base(file)}.ts\``,
  String(lines),
  more.length === 0 ? '–' : String(more.length),
  moreLines === 0 ? '–' : String(moreLines),
  kernels.length === 0 ? '–' : kernels.map(base).join(', '),
];
/** Columns that count lines: they are held to within a quarter, so that not every edit is one of the table. */
const LINES = [2, 4];

describe('what a strategy costs', () => {
  const found = costs().map(cells);
  const table = text('docs/methods.md').split('## What a strategy costs')[1]?.split('\n## ')[0] ?? '';
  const written = table
    .split('\n')
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) => line.slice(2, -2).split(' | '));

  it('is in the table of docs/methods.md: files, kernels, and lines to within a quarter', () => {
    const asWritten = found.map((row) =>
      row.map((cell, column) => {
        const there = written.find(([name]) => name === row[0])?.[column];
        const isNear = LINES.includes(column) && Math.abs(Number(there) - Number(cell)) <= Number(cell) / 4;
        return isNear ? there : cell;
      }),
    );
    const rows = (of: readonly (readonly (string | undefined)[])[]): string[] => of.map((row) => `| ${row.join(' | ')} |`).sort();
    expect(rows(written)).toEqual(rows(asWritten));
  });

  it('counts what nothing else loads, kernels among it', () => {
    expect(found.flatMap(([names = '']) => names.split(', '))).toHaveLength(12);
    expect(onlyFor(['src/ops/slot-conditioning.ts'])).toContain('kernels/sampling/slot-conditioning.wgsl.ts');
    expect(onlyFor(['src/strategies/rti-dp.ts'])).not.toContain('src/strategies/solver.ts');
  });
});
