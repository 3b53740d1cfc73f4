import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
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
    expect(stderr).toContain('unknown command "prepare"');
  });

  it.each(COMMANDS.map(({ name }) => name))('%s explains itself, under the name and summary of the overview', async (name) => {
    const entry = COMMANDS.find((command) => command.name === name);
    const command = await entry?.load();
    expect(command).toMatchObject({ name, summary: entry?.summary });
    const { code, stdout } = await warmstep(name, '--help');
    expect(code).toBe(0);
    expect(stdout).toBe(`${command?.usage}\n`);
  });

  it.each(COMMANDS.map(({ name }) => name))('%s refuses unknown options, and shows its usage', async (name) => {
    const { code, stdout, stderr } = await warmstep(name, '--adaptor', 'x');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain("Unknown option '--adaptor'");
    expect(stderr).toContain(`\n\nusage: warmstep ${name}`);
  });

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
    [['kernels', '--precision', 'f64'], '--precision must be one of f32, f16, int8, auto, found "f64"'],
  ])('%j is a wrong command line', async (args, message) => {
    const { code, stderr } = await warmstep(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('prints errors of the engine as one message, without a stack', async () => {
    const { code, stderr } = await warmstep('inspect', '/no/such/folder');
    expect(code).toBe(1);
    expect(stderr).toBe('warmstep: checkpoint folder "/no/such/folder" does not exist.\n');
  });
});
