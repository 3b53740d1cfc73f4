import { isMainThread } from 'node:worker_threads';
import { NoAdapterError, OptionError } from '../../foundation/errors.js';
import { checkKeys, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { ADAPTER_VARIABLE } from '../adapter-choice.js';
import type { AdapterChoice } from '../options.js';
import { lavapipeDriver } from './lavapipe.js';
import { type DawnOptions, dawnFlags } from './profile.js';
import { remedy } from './remedy.js';
import { useSwiftShader } from './swiftshader.js';

/** Software adapters that are asked for by name: what they say of themselves. */
const SOFTWARE = { swiftshader: /swiftshader/i, lavapipe: /llvmpipe|lavapipe/i } as const;
type SoftwareChoice = keyof typeof SOFTWARE;

/**
 * Dawn with the chosen adapter. The choice applies to the whole process: Vulkan drivers are chosen once. Profile and
 * timing apply to the result alone: safe and fast devices can live side by side. The same choice with the same options is
 * the same object again.
 * @throws NoAdapterError, naming the remedy for this operating system, also where another adapter than the chosen one is
 * all that can be had, as in a worker thread whose environment is a copy.
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
      return (await systemGpu(choice, flags))?.gpu ?? (await swiftShaderGpu('no adapter was found', softwareFlags));
    case 'hardware': {
      const found = await systemGpu(choice, flags);
      if (found && !found.info.isFallbackAdapter) return found.gpu;
      const what = found ? `only the software adapter "${found.info.description}" was found` : 'no adapter was found';
      throw new NoAdapterError(`a hardware adapter was asked for, ${what}. ${remedy()}`);
    }
    case 'swiftshader':
      return swiftShaderGpu('swiftshader was asked for', softwareFlags);
    case 'lavapipe': {
      process.env['VK_DRIVER_FILES'] = lavapipeDriver();
      const found = await systemGpu(choice, softwareFlags);
      if (found) return checkedSoftware('lavapipe', found);
      throw new NoAdapterError(`lavapipe was asked for, but Dawn refuses the installed one: Mesa 24 or newer is needed. ${remedy()}`);
    }
    default: {
      const found = await systemGpu(choice, [...flags, `adapter=${choice}`]);
      if (found) return found.gpu;
      throw new NoAdapterError(`no adapter's name contains "${shownValue(choice)}". \`warmstep doctor\` lists what is there. ${remedy()}`);
    }
  }
}

interface FoundGpu {
  readonly gpu: GPU;
  readonly info: GPUAdapterInfo;
}

/**
 * By choice, flags and the driver that the environment names. Each such object has an instance of the drivers, with threads and a
 * file descriptor, until it is collected: a program that opens a device again and again shall not have one for each.
 */
const found = new Map<string, FoundGpu>();

async function systemGpu(choice: AdapterChoice, flags: readonly string[]): Promise<FoundGpu | undefined> {
  const key = JSON.stringify([choice, flags, process.env['VK_DRIVER_FILES'] ?? null]);
  const known = found.get(key);
  if (known) return known;
  const { create } = await import('webgpu');
  const gpu = create([...flags]);
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return undefined;
    const entry = { gpu, info: adapter.info };
    found.set(key, entry);
    return entry;
  } catch {
    // Dawn throws where an adapter name matches nothing.
    return undefined;
  }
}

/** The next `createGpu` makes another one in place of this: after a reset, drivers may be there anew. */
export function forgetGpu(gpu: GPU): void {
  for (const [key, entry] of found) if (entry.gpu === gpu) found.delete(key);
}

async function swiftShaderGpu(reason: string, flags: readonly string[]): Promise<GPU> {
  try {
    useSwiftShader();
  } catch (error) {
    if (error instanceof NoAdapterError) throw new NoAdapterError(`${reason}; ${error.message}. ${remedy()}`, { cause: error });
    throw error;
  }
  const gpu = await systemGpu('swiftshader', flags);
  if (gpu) return checkedSoftware('swiftshader', gpu);
  const hint = isMainThread ? '' : ` ${WORKER_REMEDY}`;
  throw new NoAdapterError(`${reason}; SwiftShader was unpacked, but Dawn found no adapter in it.${hint} ${remedy()}`);
}

/** Drivers read the environment of the process; that of a worker thread is a copy, and what is written to it never gets there. */
const WORKER_REMEDY =
  'In a worker thread the environment is a copy that drivers do not see: start the worker with `{ env: SHARE_ENV }` (node:worker_threads), ' +
  'or open a device with this adapter on the main thread first.';

/** @throws NoAdapterError where the adapter is another one than the one that was asked for. */
function checkedSoftware(choice: SoftwareChoice, { gpu, info }: FoundGpu): GPU {
  const { vendor, architecture, device, description } = info;
  if (SOFTWARE[choice].test([vendor, architecture, device, description].join(' '))) return gpu;
  const what = `${choice} was asked for, but WebGPU gave the adapter "${description || device}"`;
  // What was found so may be another one next time: the drivers of a process can still be chosen on its main thread.
  forgetGpu(gpu);
  throw new NoAdapterError(
    isMainThread
      ? `${what}: the drivers of this process were chosen before. Start the process with ${ADAPTER_VARIABLE}=${choice}, and open no other adapter first.`
      : `${what}. ${WORKER_REMEDY}`,
  );
}
