import { checkChoice } from '../../foundation/options.js';
import { PROFILES, type Profile } from '../../runtime/device.js';
import type { GpuOptions } from '../options.js';

/** Environment variable that overrides the default profile. */
const PROFILE_VARIABLE = 'WARMSTEP_PROFILE';

/** How Dawn is set up for the devices of one `GPU` object. */
export interface DawnOptions extends GpuOptions {
  /** For a software driver. */
  readonly software?: boolean;
}

/** The profile that is asked for. @throws OptionError for any other word. */
export function chooseProfile(profile: string = process.env[PROFILE_VARIABLE] ?? 'safe'): Profile {
  return checkChoice('openDevice', `profile (option or ${PROFILE_VARIABLE})`, profile, PROFILES);
}

/**
 * Toggles of the profile `fast`, by Dawn's names. Dawn ignores names that it does not know, without a word: a test sees
 * to it that validation is off.
 * - Validation of commands: what the engine encodes is the same in both profiles, and was validated in `safe`.
 * - Bounds checks: the kernels stay within their buffers by themselves. A driver may go on checking (lavapipe does).
 * - Zeroing of workgroup memory: the kernels write it before they read it.
 */
const FAST_TOGGLES = ['skip_validation', 'disable_robustness', 'disable_workgroup_init'];

/**
 * Dawn zeroes workgroup memory through a Vulkan extension where there is one. Software drivers then take some ten seconds
 * to compile a kernel with 16 KiB of it; the loop that Dawn writes otherwise does the same and compiles at once.
 */
const SOFTWARE_OFF = ['use_vulkan_zero_initialize_workgroup_memory_extension'];

/** Arguments for `create` of the package webgpu. They belong to the `GPU` object, not to the process. */
export function dawnFlags({ profile, timing = false, software = false }: DawnOptions): string[] {
  const off = [...(timing ? ['timestamp_quantization'] : []), ...(software ? SOFTWARE_OFF : [])];
  return [
    ...(chooseProfile(profile) === 'fast' ? [`enable-dawn-features=${FAST_TOGGLES.join(',')}`] : []),
    ...(off.length > 0 ? [`disable-dawn-features=${off.join(',')}`] : []),
  ];
}
