import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NoAdapterError } from '../../foundation/errors.js';
import { remedy } from './remedy.js';

const DRIVER_FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

/** The file that names lavapipe to the Vulkan loader. @throws NoAdapterError where it is not installed. */
export function lavapipeDriver(): string {
  for (const folder of DRIVER_FOLDERS) {
    if (!existsSync(folder)) continue;
    const file = lavapipeFile(readdirSync(folder));
    if (file !== undefined) return join(folder, file);
  }
  throw new NoAdapterError(
    `lavapipe was asked for, but no lvp_icd*.json for ${process.arch} is in ${DRIVER_FOLDERS.join(', ')}. ${remedy()}`,
  );
}

/** Architectures in the file names of Mesa. */
const MESA_ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The driver for this architecture among the files of a folder: a 32-bit Mesa may be installed beside the 64-bit one. */
export function lavapipeFile(names: readonly string[], arch: NodeJS.Architecture = process.arch): string | undefined {
  const drivers = names.filter((name) => /^lvp_icd.*\.json$/.test(name));
  return (
    [`lvp_icd.${MESA_ARCHITECTURES[arch] ?? arch}.json`, 'lvp_icd.json'].find((name) => drivers.includes(name)) ??
    (drivers.length === 1 ? drivers[0] : undefined)
  );
}
