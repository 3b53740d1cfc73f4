import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NoAdapterError, OptionError } from '../../foundation/errors.js';
import { checkKeys, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { AdapterChoice } from '../options.js';
import { type DawnOptions, dawnFlags } from './profile.js';
import { useSwiftShader } from './swiftshader.js';

/** Environment variable that overrides the default choice. */
export const ADAPTER_VARIABLE = 'WARMSTEP_ADAPTER';

/**
 * Dawn with the chosen adapter. The choice applies to the whole process: Vulkan drivers are chosen once. Profile and
 * timing apply to the result alone: safe and fast devices can live side by side.
 * @throws NoAdapterError, naming the remedy for this operating system.
 */
export async function createGpu(choice: AdapterChoice = process.env[ADAPTER_VARIABLE] ?? 'auto', options: DawnOptions = {}): Promise<GPU> {
  checkText('createGpu', 'the adapter', choice);
  checkKeys('createGpu', options, ['profile', 'timing', 'software']);
  const flags = dawnFlags(options);
  const softwareFlags = dawnFlags({ ...options, software: true });
  switch (choice) {
    case '':
      throw new OptionError(`the adapter is empty: give auto, hardware, swiftshader, lavapipe or a part of an adapter's name`);
    case 'auto':
      return (await systemGpu(flags)) ?? (await swiftShaderGpu('no adapter was found', softwareFlags));
    case 'hardware': {
      const gpu = await systemGpu(flags);
      const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
      if (gpu && adapter && !adapter.info.isFallbackAdapter) return gpu;
      const found = adapter ? `only the software adapter "${adapter.info.description}" was found` : 'no adapter was found';
      throw new NoAdapterError(`a hardware adapter was asked for, ${found}. ${remedy()}`);
    }
    case 'swiftshader':
      return swiftShaderGpu('swiftshader was asked for', softwareFlags);
    case 'lavapipe': {
      process.env['VK_DRIVER_FILES'] = lavapipeDriver();
      const gpu = await systemGpu(softwareFlags);
      if (gpu) return gpu;
      throw new NoAdapterError(`lavapipe was asked for, but Dawn refuses the installed one: Mesa 24 or newer is needed. ${remedy()}`);
    }
    default: {
      const gpu = await systemGpu([...flags, `adapter=${choice}`]);
      if (gpu) return gpu;
      throw new NoAdapterError(`no adapter's name contains "${shownValue(choice)}". \`warmstep doctor\` lists what is there. ${remedy()}`);
    }
  }
}

async function systemGpu(flags: readonly string[]): Promise<GPU | undefined> {
  const { create } = await import('webgpu');
  const gpu = create([...flags]);
  try {
    return (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ? gpu : undefined;
  } catch {
    // Dawn throws where an adapter name matches nothing.
    return undefined;
  }
}

async function swiftShaderGpu(reason: string, flags: readonly string[]): Promise<GPU> {
  try {
    useSwiftShader();
  } catch (error) {
    if (error instanceof NoAdapterError) throw new NoAdapterError(`${reason}; ${error.message}. ${remedy()}`, { cause: error });
    throw error;
  }
  const gpu = await systemGpu(flags);
  if (!gpu) throw new NoAdapterError(`${reason}; SwiftShader was unpacked, but Dawn found no adapter in it. ${remedy()}`);
  return gpu;
}

const DRIVER_FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

function lavapipeDriver(): string {
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

/** What to do about a missing adapter, on this operating system. */
export function remedy(platform: NodeJS.Platform = process.platform): string {
  switch (platform) {
    case 'linux':
      return (
        "On Linux: install the GPU vendor's Vulkan driver and the loader (Debian and Ubuntu: apt install libvulkan1 " +
        'mesa-vulkan-drivers; NVIDIA: its driver with Vulkan support). Without a GPU, on Linux x64: npm install --save-dev ' +
        '@sparticuz/chromium, and WARMSTEP_ADAPTER=swiftshader; elsewhere: Mesa 24 or newer, and WARMSTEP_ADAPTER=lavapipe.'
      );
    case 'darwin':
      return "On macOS: WebGPU needs Metal, macOS 13 or newer on real hardware, and webgpu's install script must have run (npm rebuild webgpu).";
    case 'win32':
      return 'On Windows: update the graphics driver (Direct3D 12); Windows 10 or newer is needed.';
    default:
      return `The WebGPU package "webgpu" has no build for ${platform}: use Linux, macOS or Windows.`;
  }
}
