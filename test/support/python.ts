import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's, whose packages `.ci/install-python-client` installs. */
const PYTHON = '/usr/bin/python3';
/** Room for programs that start at once; those that load libraries of hundreds of megabytes say what they need. */
const TIMEOUT_MS = 120_000;

/** Why a Python client cannot run here; undefined where it can. */
export function pythonLacks(modules: readonly string[]): string | undefined {
  const why = failedImport(PYTHON, modules);
  return why === undefined ? undefined : `${PYTHON} lacks what its client needs (${why}): .ci/install-python-client installs it`;
}

/** The last line of what a Python says that cannot import these; undefined where it can. */
export function failedImport(python: string, modules: readonly string[]): string | undefined {
  try {
    execFileSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const said = String((error as { readonly stderr?: Buffer }).stderr ?? error);
    return said.trim().split('\n').at(-1);
  }
}

/** What a program prints. */
export function printedBy(program: URL, ...args: readonly string[]): Promise<string> {
  return printedWith(PYTHON, TIMEOUT_MS, program, args);
}

/** What a program prints that another Python runs. */
export function printedWith(python: string, timeoutMs: number, program: URL, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(python, [fileURLToPath(program), ...args], { timeout: timeoutMs }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}\n${stdout}`));
      else resolve(stdout.trim());
    });
  });
}

/** The same of one that prints a JSON object per line. */
export async function runPython(program: URL, ...args: readonly string[]): Promise<Record<string, unknown>[]> {
  return objectsOf(await printedBy(program, ...args));
}

/** JSON objects, one on each line. */
export function objectsOf(printed: string): Record<string, unknown>[] {
  return printed.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}
