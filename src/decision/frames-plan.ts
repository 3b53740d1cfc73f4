import type { FrameFormat } from '../../kernels/image/prepare-frames.wgsl.js';
import type { Picture } from '../observations/picture.js';
import type { FrameSource } from '../ops/frames.js';

/** How the pictures of a camera arrive. */
export interface CameraFormat {
  readonly format: FrameFormat;
  /** Undefined where they are as large as the policy reads them. */
  readonly source?: FrameSource | undefined;
  /** Numbers of the scenes that go up in place of bytes, and that pictures of this format are drawn of. */
  readonly sceneNumbers?: number | undefined;
}

/** What an encode plan is compiled for. */
export interface EncodeShape {
  readonly cameras: readonly CameraFormat[];
  /** Frames that are encoded together, each with a picture of every camera. */
  readonly frames: number;
}

export interface EncodedPictures {
  /** Of each network, f32 [camera][frame][features]. */
  readonly features: readonly Float32Array[];
  /** Inner values that were asked for, of the first frame: maps as [channels][height][width]. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** Where the features of a network lie after a run, f32 [camera][frame][features]. */
export interface FeatureOutput {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
}

/** What encodes frames of one shape. `pictures`: those of the first camera, then those of the next. Runs must not overlap. */
export interface FramesPlan {
  /** Of each network. */
  readonly outputs: readonly FeatureOutput[];
  /** Whether a run hands out inner values. */
  readonly isProbed: boolean;
  run(pictures: readonly Picture[]): Promise<EncodedPictures>;
  /** The parts of a run, for commands that encode on their way: the pictures go up before these are submitted. */
  upload(pictures: readonly Picture[]): void;
  encode(commands: GPUCommandEncoder): void;
  /** Runs once on anything: some drivers compile a kernel when it first runs. */
  rehearse(): Promise<void>;
  destroy(): void;
}

/** Makes plans for the images of a policy. */
export interface EncodePlans {
  /** Frames of a plan at most, a power of two. */
  readonly mostFrames: number;
  /** @throws DeviceLimitError, ShaderError. */
  compile(shape: EncodeShape): Promise<FramesPlan>;
}

/** The features of each network out of a mapped buffer, where they lie one after the other from a byte on. */
export function readOutputs(outputs: readonly FeatureOutput[], mapped: ArrayBuffer, from: number): Float32Array[] {
  let end = from;
  return outputs.map(({ bytes }) => {
    const begin = end;
    end += bytes;
    return new Float32Array(mapped.slice(begin, end));
  });
}

/** The same for cameras whose pictures arrive alike. */
export function cameraKey({ format, source, sceneNumbers }: CameraFormat): string {
  const drawn = sceneNumbers === undefined ? format : `${format} of ${sceneNumbers}`;
  return source ? `${drawn} ${source.height}x${source.width} ${source.fit}` : drawn;
}
