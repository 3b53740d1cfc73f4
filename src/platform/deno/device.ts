import { setImmediate } from 'node:timers';
import { checkChoice } from '../../foundation/options.js';
import { ComputeDevice, checkOpenOptions } from '../../runtime/device.js';
import type { OpenDeviceOptions } from '../options.js';
import { createGpu } from './gpu.js';

/** Opens a device of Deno's own WebGPU, or of the given `gpu`; see surface.ts. */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<ComputeDevice> {
  checkOpenOptions(options, ['adapter']);
  const { adapter, variants, ...rest } = options;
  // Tables of `warmstep tune` are for Dawn's names of adapters; both words stand for the shipped variants.
  if (typeof variants === 'string') checkChoice('openDevice', 'variants', variants, ['tuned', 'shipped']);
  const tables = variants === undefined || typeof variants === 'string' ? {} : { variants };
  const gpu = options.gpu ?? (await createGpu(adapter, options.profile === undefined ? {} : { profile: options.profile }));
  return ComputeDevice.open({ inLaterTurn: setImmediate, ...rest, ...tables, gpu });
}
