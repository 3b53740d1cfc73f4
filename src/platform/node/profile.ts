import { checkChoice } from '../../options.js';
import { PROFILES, type Profile } from '../../runtime/device.js';

/** Environment variable that overrides the default profile. */
export const PROFILE_VARIABLE = 'WARMSTEP_PROFILE';

/** How Dawn is set up for the devices of one `GPU` object. */
export interface DawnOptions {
  /** Default: the environment variable WARMSTEP_PROFILE, else `safe`. */
  readonly profile?: Profile;
  /** Timestamps to the nanosecond instead of rounded to 65 µs. */
  readonly timing?: boolean;
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

/** Arguments for `create` of the package webgpu. They belong to the `GPU` object, not to the process. */
export function dawnFlags({ profile, timing = false }: DawnOptions): string[] {
  return [
    ...(chooseProfile(profile) === 'fast' ? [`enable-dawn-features=${FAST_TOGGLES.join(',')}`] : []),
    ...(timing ? ['disable-dawn-features=timestamp_quantization'] : []),
  ];
}
