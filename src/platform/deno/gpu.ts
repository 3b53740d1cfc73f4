import { NoAdapterError, OptionError } from '../../foundation/errors.js';
import { checkKeys, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { WebGpu } from '../../runtime/device.js';
import { ADAPTER_VARIABLE } from '../adapter-choice.js';
import { lavapipeDriver } from '../node/lavapipe.js';
import { useSwiftShader } from '../node/swiftshader.js';
import type { AdapterChoice, GpuOptions } from '../options.js';
import { allowedVariable, denoRuntime } from './runtime.js';

/** Libraries that were opened, so that they stay in the process. */
const libraries: object[] = [];

/**
 * Deno's own WebGPU; see surface.ts. A choice of driver applies to the whole process, and has to be the first: Deno looks for drivers
 * once.
 * @throws NoAdapterError where the chosen adapter is not what Deno found, naming the remedy; OptionError for what Deno does not let
 * anyone choose.
 */
export async function createGpu(
  choice: AdapterChoice = allowedVariable(ADAPTER_VARIABLE) ?? 'auto',
  options: GpuOptions = {},
): Promise<WebGpu> {
  checkText('createGpu', 'the adapter', choice);
  checkKeys('createGpu', options, ['profile', 'timing']);
  const { profile = 'safe' } = options;
  if (profile !== 'safe') {
    throw new OptionError(`openDevice: profile must be "safe" here, found "${shownValue(profile)}": Deno validates every command.`);
  }
  if (choice === 'swiftshader') loadSwiftShader();
  if (choice === 'lavapipe') denoRuntime().env.set('VK_DRIVER_FILES', lavapipeDriver());
  const gpu = denoGpu();
  const info = await adapterInfo(gpu);
  if (!info) {
    if (choice !== 'auto')
      throw new NoAdapterError(`the adapter "${shownValue(choice)}" was asked for, and Deno found none at all. ${REMEDY}`);
    throw new NoAdapterError(`Deno found no adapter. ${REMEDY}`);
  }
  if (isWanted(choice, info)) return gpu;
  throw new NoAdapterError(
    `the adapter "${shownValue(choice)}" was asked for, and Deno gave "${info.description || info.device}". Drivers are chosen once in a process: ` +
      `start it with ${ADAPTER_VARIABLE}, and open no other adapter first.`,
  );
}

interface AdapterInfo {
  readonly vendor: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

async function adapterInfo(gpu: WebGpu): Promise<AdapterInfo | undefined> {
  const adapter = (await gpu.requestAdapter({ powerPreference: 'high-performance' })) as { readonly info: AdapterInfo } | null;
  return adapter?.info;
}

function denoGpu(): WebGpu {
  const { navigator } = globalThis as { navigator?: { gpu?: WebGpu } };
  if (navigator?.gpu) return navigator.gpu;
  throw new NoAdapterError('Deno has no navigator.gpu: use Deno 2.9 or newer, or an older one with --unstable-webgpu.');
}

function isWanted(choice: string, { description, device, vendor, isFallbackAdapter }: AdapterInfo): boolean {
  const name = [vendor, device, description].join(' ').toLowerCase();
  switch (choice) {
    case 'auto':
      return true;
    case 'hardware':
      return !isFallbackAdapter && !/swiftshader|llvmpipe/.test(name);
    case 'swiftshader':
      return name.includes('swiftshader');
    case 'lavapipe':
      return name.includes('llvmpipe');
    default:
      return name.includes(choice.toLowerCase());
  }
}

function loadSwiftShader(): void {
  useSwiftShader((path) => {
    try {
      libraries.push(denoRuntime().dlopen(path, {}));
    } catch (error) {
      throw new NoAdapterError(`SwiftShader's Vulkan loader cannot be loaded (${(error as Error).message}): give --allow-ffi`, {
        cause: error,
      });
    }
  });
}

const REMEDY =
  "Install the GPU vendor's Vulkan, Metal or Direct3D 12 driver. Without a GPU, on Linux x64: add @sparticuz/chromium, and " +
  'WARMSTEP_ADAPTER=swiftshader with --allow-env --allow-ffi --allow-read --allow-write.';
