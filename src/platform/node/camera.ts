import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ObservationError } from '../../foundation/errors.js';
import { SetupError } from '../../foundation/setup-error.js';
import { RawFrames } from './raw-frames.js';

/** The program that reads cameras, where it is not `ffmpeg` on the path. */
const FFMPEG = 'WARMSTEP_FFMPEG';
/** A camera that was asked for a picture may take as long as this to wake up. */
const MOST_WAKING_MS = 15_000;
/** A picture that is older shows a world that is over. */
const MOST_AGE_MS = 500;
const MOST_WORDS = 300;

/** A camera, and the size in pixels that its pictures come in. */
export interface CameraOptions {
  /** For messages. */
  readonly name: string;
  /** A device (`/dev/video0`; macOS: its number; Windows: `video=NAME`), an address that ffmpeg opens, or a video file, which is played over and over. */
  readonly source: string;
  readonly width: number;
  readonly height: number;
}

/** A picture as `act()` takes it: u8 RGB, rows from the top. */
export interface CameraPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The newest picture of a camera, which the system's ffmpeg reads into a pipe. */
export class Camera {
  readonly #options: CameraOptions;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #frames: RawFrames;
  #newest: { readonly data: Uint8Array; readonly atMs: number } | undefined;
  #ended: string | undefined;
  #words = '';
  #wake = (): void => {};

  private constructor(options: CameraOptions, program: string) {
    this.#options = options;
    this.#frames = new RawFrames(options.width * options.height * 3);
    this.#child = spawn(program, cameraArguments(options, process.platform), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout.on('data', (part: Buffer) => {
      const data = this.#frames.push(part);
      if (!data) return;
      this.#newest = { data, atMs: performance.now() };
      this.#wake();
    });
    this.#child.stderr.setEncoding('utf8');
    this.#child.stderr.on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-MOST_WORDS);
    });
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = `expected the program "${program}", found none. Install ffmpeg, or name it in ${FFMPEG}`;
      this.#end(error.code === 'ENOENT' ? missing : error.message);
    });
    this.#child.on('close', (code) =>
      this.#end(`ffmpeg ended with code ${code}: ${this.#words.trim().replaceAll('\n', '; ') || 'no word why'}`),
    );
  }

  /** Resolves with the first picture. @throws SetupError where none comes. */
  static async open(options: CameraOptions, program = process.env[FFMPEG] ?? 'ffmpeg', wakingMs = MOST_WAKING_MS): Promise<Camera> {
    const camera = new Camera(options, program);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      camera.#wake = resolve;
      timer = setTimeout(resolve, wakingMs);
    });
    clearTimeout(timer);
    camera.#wake = () => {};
    if (camera.#newest) return camera;
    camera.close();
    throw new SetupError(
      `camera ${options.name}: expected pictures from ${options.source}, found none: ${camera.#ended ?? `nothing came for ${wakingMs / 1000} s`}. ` +
        'Is it plugged in, and used by nobody else?',
    );
  }

  /** The newest picture. @throws ObservationError where it is old: the camera was unplugged, or does not keep up. */
  read(): CameraPicture {
    const { name, width, height } = this.#options;
    const { data, atMs } = this.#newest as { readonly data: Uint8Array; readonly atMs: number };
    const age = performance.now() - atMs;
    if (age > MOST_AGE_MS) {
      throw new ObservationError(`camera ${name}: its newest picture is ${Math.round(age)} ms old. ${this.#ended ?? 'Does it keep up?'}`);
    }
    return { data, width, height };
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#wake();
  }
}

/** What ffmpeg is told: pictures in one size, as they come, none of them kept back. */
export function cameraArguments({ source, width, height }: CameraOptions, platform: NodeJS.Platform): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-fflags', 'nobuffer', '-flags', 'low_delay'],
    ...inputArguments(source, platform),
    ...['-an', '-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

function inputArguments(source: string, platform: NodeJS.Platform): string[] {
  if (platform === 'linux' && source.startsWith('/dev/')) return ['-f', 'v4l2', '-i', source];
  if (platform === 'darwin' && /^\d+$/.test(source)) return ['-f', 'avfoundation', '-framerate', '30', '-i', source];
  if (platform === 'win32' && source.startsWith('video=')) return ['-f', 'dshow', '-i', source];
  if (existsSync(source)) return ['-re', '-stream_loop', '-1', '-i', `file:${source}`];
  return ['-i', source];
}
