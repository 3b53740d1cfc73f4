import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's, whose packages `.ci/install-python-client` installs. */
const PYTHON = '/usr/bin/python3';

/** Why a Python client cannot run here; undefined where it can. */
export function pythonLacks(modules: readonly string[]): string | undefined {
  try {
    execFileSync(PYTHON, ['-c', `import ${modules.join(', ')}`], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const last = String((error as { readonly stderr?: Buffer }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    return `${PYTHON} lacks what its client needs (${last}): .ci/install-python-client installs it`;
  }
}

/** What a program prints. */
export function printedBy(program: URL, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(PYTHON, [fileURLToPath(program), ...args], { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}\n${stdout}`));
      else resolve(stdout.trim());
    });
  });
}

/** The same of one that prints a JSON object per line. */
export async function runPython(program: URL, ...args: readonly string[]): Promise<Record<string, unknown>[]> {
  return (await printedBy(program, ...args)).split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}
