import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where and with what something was measured. */
export interface Environment {
  readonly date: string;
  readonly warmstep: string;
  /** Commit of the checkout, with "-dirty" where files were changed; absent in an installed package. */
  readonly commit?: string;
  readonly node: string;
  readonly webgpu: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Over 1, 5 and 15 minutes; other work on the machine shows here. */
  readonly loadAverage: readonly number[];
}

export function describeEnvironment(): Environment {
  const processors = cpus();
  const commit = gitCommit();
  return {
    date: new Date().toISOString(),
    warmstep: packageInfo().version,
    ...(commit === undefined ? {} : { commit }),
    node: process.version,
    webgpu: webgpuVersion(),
    platform: `${process.platform} ${process.arch}`,
    cpu: processors[0]?.model ?? 'unknown',
    cpus: processors.length,
    loadAverage: loadavg().map((value) => Math.round(value * 100) / 100),
  };
}

/** The package's folder and version: the folder differs between the sources and the build. */
export function packageInfo(): { readonly root: string; readonly version: string } {
  let root = dirname(fileURLToPath(import.meta.url));
  while (dirname(root) !== root) {
    const file = join(root, 'package.json');
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
      return { root, version };
    }
    root = dirname(root);
  }
  throw new Error('package.json of warmstep was not found: install the package again');
}

/** Version of the Dawn package, or "not installed". */
function webgpuVersion(): string {
  try {
    return (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version;
  } catch {
    return 'not installed';
  }
}

/** Undefined unless the package's own folder is a checkout: an installed package may lie inside somebody else's. */
function gitCommit(): string | undefined {
  const { root } = packageInfo();
  if (!existsSync(join(root, '.git'))) return undefined;
  try {
    const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '-dirty');
  } catch {
    return undefined;
  }
}
