import type { Observation } from '../../observations/frame.js';
import { Camera, type CameraOptions } from '../../platform/node/camera.js';
import type { ObservationInfo } from '../../spec/policy-spec.js';
import { UsageError } from '../../terminal/options.js';

/** Reads `NAME=SOURCE[@WIDTHxHEIGHT]`, and sees that each of the policy's cameras is there, once. @throws UsageError. */
export function cameraOptions(texts: readonly string[], observations: readonly ObservationInfo[]): CameraOptions[] {
  const wanted = observations.filter((one) => one.kind === 'image');
  const given = texts.map((text) => {
    const [, name, source, width, height] = /^([^=]+)=(.+?)(?:@(\d{1,5})x(\d{1,5}))?$/.exec(text) ?? [];
    if (name === undefined || source === undefined)
      throw new UsageError(`--camera must be NAME=SOURCE or NAME=SOURCE@WIDTHxHEIGHT, found "${text}"`);
    // People say "front", policies "observation.images.front".
    const feature = wanted.find((one) => one.name === name) ?? wanted.find((one) => one.name.endsWith(`.${name}`));
    if (!feature) throw new UsageError(`--camera ${name}: the policy has ${namesOf(wanted)}`);
    const size = width === undefined ? feature : { width: Number(width), height: Number(height) };
    if (size.width < 1 || size.height < 1) throw new UsageError(`--camera ${name}: a picture has at least one pixel, found "${text}"`);
    return { name: feature.name, source, width: size.width, height: size.height };
  });
  const names = given.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--camera ${twice} was given twice`);
  const missing = wanted.filter((one) => !names.includes(one.name));
  if (missing.length > 0)
    throw new UsageError(`the policy reads ${namesOf(missing)}: say where from, --camera ${missing[0]?.name}=/dev/video0`);
  return given;
}

function namesOf(features: readonly { readonly name: string }[]): string {
  return features.length === 0 ? 'no camera' : features.map(({ name }) => `"${name}"`).join(', ');
}

/** Cameras for the time of a task, all of them awake; closed however it ends. */
export async function withCameras<T>(options: readonly CameraOptions[], task: (pictures: () => Observation) => Promise<T>): Promise<T> {
  const opened = await Promise.allSettled(options.map((one) => Camera.open(one)));
  const cameras = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    const failed = opened.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return await task(() => Object.fromEntries(options.map(({ name }, i) => [name, (cameras[i] as Camera).read()])));
  } finally {
    for (const camera of cameras) camera.close();
  }
}
