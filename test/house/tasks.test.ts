import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMED = /push-?t\b|Push-T|[Pp]ushT|PUSH_T/;

/** Where Push-T may be named, and why. Paths that end in / are folders. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/envs/push-t/', 'it is the task'],
  ['src/envs/tasks.ts', 'the registry'],
  ['src/entries/', 'what the package exports'],
  ['src/strategies/', "RTI-DP's published timesteps are called after the data sets that they were found on"],
  ['src/cli/checkpoint-folders.ts', 'the task and folder of the bundled policy'],
  ['src/cli/commands/demo.ts', 'help of the demo, which shows the bundled policy'],
  ['src/cli/commands/kernels.ts', 'help of a command that lists the kernels of the bundled policy'],
  ['src/cli/dataset/task-features.ts', 'what policies of a task read, made of the demonstrations that there are of it'],
  ['src/cli/eval/presets.ts', 'which of these timesteps a preset has for a task'],
  ['src/cli/eval/reference.ts', 'an error shows the scores beside the bundled policy as an example'],
];

const FILES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file));
const NAMING = FILES.filter((file) => NAMED.test(readFileSync(join(ROOT, file), 'utf8')));

describe('Push-T', () => {
  it('is named by its own folder, and where this list says why', () => {
    expect(NAMING.filter((file) => !ALLOWED.some(([place]) => file === place || (place.endsWith('/') && file.startsWith(place))))).toEqual(
      [],
    );
  });

  it('is found by this test in every spelling', () => {
    for (const text of ['push-t', 'pusht-state', 'pushTTask', 'class PushT ', 'PUSH_T_SCENE', 'Push-T'])
      expect(NAMED.test(text), text).toBe(true);
    for (const text of ['push-through', 'pushed', 'push(t)']) expect(NAMED.test(text), text).toBe(false);
    expect(NAMING).toContain('src/envs/push-t/task.ts');
  });
});
