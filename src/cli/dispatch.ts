import { WarmstepError } from '../foundation/errors.js';
import { visible } from '../foundation/visible.js';
import { packageInfo } from '../platform/node/environment.js';
import { describeFileProblem } from '../platform/node/file-problem.js';
import { usageText } from '../terminal/command-line.js';
import { Interrupted } from '../terminal/interrupt.js';
import { print, printError } from '../terminal/output.js';
import { COMMANDS } from './commands.js';

/**
 * Exit codes: 0 done, 1 failed (also where a file, a checkpoint or a data set is at fault), 2 wrong command line (also where options do not go together,
 * or with the checkpoint that they name), 130 ended by Ctrl-C.
 */
export async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || isHelp(name)) {
    print(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    print(packageInfo().version);
    return 0;
  }
  const entry = COMMANDS.find((command) => command.name === name);
  if (!entry) {
    printError(`unknown command "${visible(name)}"\n\`warmstep --help\` lists them.`);
    return 2;
  }
  const command = await entry.load();
  if (rest.some(isHelp)) {
    print(command.usage);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    const usage = usageText(error, `warmstep ${name} --help`);
    if (usage !== undefined) {
      printError(usage);
      return 2;
    }
    if (error instanceof Interrupted) {
      printError('interrupted');
      return 130;
    }
    printError(describe(error));
    return 1;
  }
}

function isHelp(text: string): boolean {
  return text === '--help' || text === '-h';
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  return [
    'warmstep: diffusion policies for robots on WebGPU',
    '',
    'usage: warmstep COMMAND [options]',
    '',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    '`warmstep COMMAND --help` explains a command. WARMSTEP_ADAPTER chooses the adapter: auto, hardware, swiftshader,',
    'lavapipe, or a part of its name; WARMSTEP_PROFILE the profile: safe or fast; WARMSTEP_VARIANTS=shipped leaves out what',
    '`warmstep tune` found.',
  ].join('\n');
}

/** The engine's own errors say what to do, and the system's which file; a stack would only hide it. Of others, it is all there is. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  const told = error instanceof WarmstepError ? error.message : describeFileProblem(error);
  if (told !== undefined) return lines(told);
  if ('syscall' in error) return lines(error.message);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
  return [lines(`${error.name}: ${error.message}`), ...frames].join('\n');
}

/** A message of several lines, a kernel's or the driver's, stays one; indented, so that none of them looks like one of ours. */
function lines(message: string): string {
  return message.split('\n').map(visible).join('\n  ');
}
