import { NoAdapterError, OptionError } from '../../foundation/errors.js';
import { checkChoice, checkKeys } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { ComputeDevice, checkOpenOptions, type WebGpu } from '../../runtime/device.js';
import type { AdapterChoice, GpuOptions, OpenDeviceOptions } from '../options.js';

/** Opens a device of `navigator.gpu`, or of the given `gpu`; see surface.ts. */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<ComputeDevice> {
  checkOpenOptions(options, ['adapter']);
  const { adapter, variants, ...rest } = options;
  const table = typeof variants === 'string' ? checkStored(variants) : variants;
  // A given implementation is taken as it is, and so is what its giver says of it.
  const gpu = options.gpu ?? (await createGpu(adapter, options.profile === undefined ? {} : { profile: options.profile }));
  return ComputeDevice.open({ ...rest, gpu, ...(table === undefined ? {} : { variants: table }) });
}

/** `navigator.gpu`; see surface.ts. @throws NoAdapterError where it is missing; OptionError for what a browser does not let anyone choose. */
export async function createGpu(choice: AdapterChoice = 'auto', options: GpuOptions = {}): Promise<WebGpu> {
  checkKeys('createGpu', options, ['profile', 'timing']);
  const { profile = 'safe' } = options;
  if (choice !== 'auto') {
    throw new OptionError(
      `openDevice: the adapter must be "auto" here, found "${shownValue(choice)}": a browser chooses its adapter itself.`,
    );
  }
  if (profile !== 'safe') {
    throw new OptionError(`openDevice: profile must be "safe" here, found "${shownValue(profile)}": a browser validates every command.`);
  }
  const { navigator, isSecureContext } = globalThis as { navigator?: { gpu?: WebGpu }; isSecureContext?: boolean };
  if (navigator?.gpu) return navigator.gpu;
  throw new NoAdapterError(
    isSecureContext === false
      ? 'WebGPU is not available: navigator.gpu is missing because this page is no secure context. Serve it by https, or from localhost.'
      : 'WebGPU is not available: navigator.gpu is missing. Use a browser with WebGPU, or pass `gpu`, e.g. from the npm package "webgpu".',
  );
}

/** Nothing is stored here: both words stand for the shipped variants. */
function checkStored(choice: string): undefined {
  checkChoice('openDevice', 'variants', choice, ['tuned', 'shipped']);
}
