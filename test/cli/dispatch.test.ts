import { describe, expect, it, vi } from 'vitest';
import { COMMANDS, type CommandEntry } from '../../src/cli/commands.js';
import { ShaderError } from '../../src/foundation/errors.js';
import { SetupError } from '../../src/foundation/setup-error.js';
import { warmstep } from '../support/captured.js';

describe('the command line', () => {
  it('lists every command', async () => {
    const { code, stdout } = await warmstep('--help');
    expect(code).toBe(0);
    // As wide as the longest of them.
    const width = Math.max(...COMMANDS.map(({ name }) => name.length));
    for (const { name, summary } of COMMANDS) expect(stdout).toContain(`\n  ${name.padEnd(width)}  ${summary}\n`);
  });

  it('prints the version of the package', async () => {
    expect((await warmstep('--version')).stdout).toMatch(/^\d+\.\d+\.\d+(-\w+)?\n$/);
  });

  it('refuses unknown commands', async () => {
    const { code, stderr } = await warmstep('prepare');
    expect(code).toBe(2);
    expect(stderr).toBe('warmstep: unknown command "prepare"\n`warmstep --help` lists them.\n');
  });

  it.each(COMMANDS.map(({ name }) => name))('%s explains itself, under the name and summary of the overview', async (name) => {
    const entry = COMMANDS.find((command) => command.name === name);
    const command = await entry?.load();
    expect(command).toMatchObject({ name, summary: entry?.summary });
    const { code, stdout } = await warmstep(name, '--help');
    expect(code).toBe(0);
    expect(stdout).toBe(`${command?.usage}\n`);
  });

  it.each(COMMANDS.map(({ name }) => name))(
    '%s refuses unknown options in two lines, of which one says who explains them',
    async (name) => {
      const { code, stdout, stderr } = await warmstep(name, '--adaptor', 'x');
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^warmstep: Unknown option '--adaptor'.*\n.*\n$/);
      expect(stderr).toMatch(new RegExp(`\n\`warmstep ${name} --help\` explains the options\\.\n$`));
    },
  );

  it.each([
    [['run', '--input', 'a', '--output', 'b'], 'option --policy is missing'],
    [['bench', '--size', 'huge'], '--size must be one of large, small, tiny, found "huge"'],
    [['bench', '--decisions', '1.5'], '--decisions must be a whole number, 1 or more, found "1.5"'],
    [['demo', '--episodes', '0'], '--episodes must be a whole number, 1 to 10000, found "0"'],
    [['inspect', 'a', '\u001b[2J\nwarmstep: all is well'], 'unexpected argument "\\u001b[2J\\nwarmstep: all is well"'],
    [['\u001b[2J'], 'unknown command "\\u001b[2J"'],
    [['inspect'], 'the checkpoint folder is missing'],
    [['serve'], 'say what to serve, openpi or lerobot'],
    [['inspect', 'a', 'b'], 'unexpected argument "b"'],
    // Of node:util, in three lines.
    [['run', '--policy', '--input', 'a'], "Option '--policy' argument is ambiguous. Did you forget"],
    [['kernels', '--precision', 'f64'], '--precision must be one of f32, f16, int8, auto, found "f64"'],
  ])('%j is a wrong command line', async (args, message) => {
    const { code, stderr } = await warmstep(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.split('\n')).toHaveLength(3);
  });

  it('a text of several lines stays one, and none of them looks like ours', async () => {
    const entry = COMMANDS.find(({ name }) => name === 'doctor') as (typeof COMMANDS)[number];
    const thrown = (error: Error): CommandEntry => ({
      ...entry,
      load: async () => ({ name: 'doctor', summary: '', usage: '', run: () => Promise.reject(error) }),
    });
    const printed = async (error: Error): Promise<string> => {
      const spy = vi.spyOn(entry, 'load').mockImplementation(thrown(error).load);
      const { code, stderr } = await warmstep('doctor').finally(() => spy.mockRestore());
      expect(code).toBe(1);
      return stderr;
    };
    expect(await printed(new ShaderError('the kernel is wrong:\n 1 fn main() {}\nwarmstep: all is well'))).toBe(
      'warmstep: the kernel is wrong:\n   1 fn main() {}\n  warmstep: all is well\n',
    );
    expect(await printed(new TypeError('one\ntwo'))).toMatch(/^warmstep: TypeError: one\n {2}two\n +at /);
    expect(await printed(new SetupError('no such package'))).toBe('warmstep: no such package\n');
  });

  it('prints errors of the engine as one message, without a stack', async () => {
    const { code, stderr } = await warmstep('inspect', '/no/such/folder');
    expect(code).toBe(1);
    expect(stderr).toBe('warmstep: checkpoint folder "/no/such/folder" does not exist.\n');
  });
});
