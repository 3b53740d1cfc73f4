import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { PictureData } from '../../datasets/dataset.js';
import type { PictureCodecs, VideoRange } from '../../datasets/pictures/codecs.js';
import { DatasetError } from '../../foundation/errors.js';

/** A program of its own can be named, e.g. where several are installed. */
const FFMPEG = 'WARMSTEP_FFMPEG';
/** Of ffmpeg's words, what a message shows. */
const MOST_WORDS = 300;
/** Of a frame, how far it may lie from its time. */
const MOST_SHIFT = 0.1;
/** From this version on, `-vsync` is called `-fps_mode`. */
const FPS_MODE_SINCE = 5.1;

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

/** Decoders of the system's ffmpeg, for files below a folder. Nothing is started before a picture is asked for. */
export function ffmpegCodecs(folder: string, program = process.env[FFMPEG] ?? 'ffmpeg'): PictureCodecs {
  let version: Promise<string | undefined> | undefined;
  return {
    video: async function* (range) {
      version ??= ffmpegVersion(program);
      yield* decodeVideo(program, Number.parseFloat((await version) ?? ''), join(folder, range.file), range);
    },
    jpeg: (bytes) => decodeJpeg(program, bytes),
  };
}

/** The version of ffmpeg, such as "5.1.6", or undefined where there is none. */
export async function ffmpegVersion(program = process.env[FFMPEG] ?? 'ffmpeg'): Promise<string | undefined> {
  const run = start(program, ['-hide_banner', '-version']);
  run.child.stdin.end();
  const out: Buffer[] = [];
  try {
    for await (const part of run.child.stdout) out.push(part as Buffer);
    await run.ended;
  } catch {
    return undefined;
  }
  return /version n?(\S+)/.exec(Buffer.concat(out).toString())?.[1] ?? 'unknown';
}

/**
 * Frames of a range, u8 RGB. ffmpeg seeks to half a frame before the first one, decodes from the keyframe before, and leaves out what is
 * earlier; every frame that comes out must lie at its time, so that one that is missing, or another frame rate, never shifts those
 * behind it. Ends the process when the caller stops.
 */
async function* decodeVideo(
  program: string,
  version: number,
  path: string,
  { first, count, fps, height, width }: VideoRange,
): AsyncGenerator<Uint8Array> {
  const seek = Math.max(0, (first - 0.5) / fps);
  const run = start(program, [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info', '-xerror', '-err_detect', 'explode'],
    ...['-ss', seek.toFixed(9), '-i', `file:${path}`, '-map', '0:v:0', '-frames:v', String(count)],
    ...(version < FPS_MODE_SINCE ? ['-vsync', 'passthrough'] : ['-fps_mode', 'passthrough']),
    ...['-vf', 'showinfo=checksum=0', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ]);
  run.child.stdin.end();
  const size = width * height * 3;
  try {
    let frame = new Uint8Array(size);
    let filled = 0;
    let frames = 0;
    for await (const part of run.child.stdout) {
      for (let at = 0; at < (part as Buffer).length; ) {
        const length = Math.min(size - filled, (part as Buffer).length - at);
        frame.set((part as Buffer).subarray(at, at + length), filled);
        filled += length;
        at += length;
        if (filled < size) continue;
        await run.checkFrame(frames, (first + frames) / fps - seek, fps, width, height);
        yield frame;
        frames++;
        frame = new Uint8Array(size);
        filled = 0;
      }
    }
    await run.ended;
  } finally {
    run.child.kill('SIGKILL');
  }
}

async function decodeJpeg(program: string, bytes: Uint8Array): Promise<PictureData> {
  const run = start(program, [
    ...['-hide_banner', '-nostats', '-loglevel', 'info', '-xerror', '-err_detect', 'explode', '-f', 'jpeg_pipe', '-i', 'pipe:0'],
    ...['-vf', 'showinfo=checksum=0', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ]);
  // A decoder that has seen enough closes its end.
  run.child.stdin.on('error', () => {});
  run.child.stdin.end(bytes);
  const out: Buffer[] = [];
  try {
    for await (const part of run.child.stdout) out.push(part as Buffer);
    await run.ended;
  } finally {
    run.child.kill('SIGKILL');
  }
  const [height, width] = run.sides();
  const data = new Uint8Array(Buffer.concat(out));
  if (data.length !== height * width * 3) throw new Error(`${data.length} bytes of ${height} × ${width} pixels`);
  return { data, height, width };
}

/** A process of ffmpeg, and what it says about its frames. */
interface Run {
  readonly child: Process;
  /** Settles with the process: rejects where it could not be started or failed. */
  readonly ended: Promise<void>;
  /** Waits for ffmpeg's word on a frame, which comes on another pipe than the frame. @throws Error where it lies elsewhere. */
  checkFrame(number: number, expected: number, fps: number, width: number, height: number): Promise<void>;
  /** Height and width of the last frame. */
  sides(): [number, number];
}

function start(program: string, args: readonly string[]): Run {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const shown: { time: number; width: number; height: number }[] = [];
  let words = '';
  let rest = '';
  let wake = (): void => {};
  let isOver = false;
  const said = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        const frame = /\bn: *\d+ .*\bpts_time:(\S+) .*\bs:(\d+)x(\d+)/.exec(line);
        if (frame) shown.push({ time: Number(frame[1]), width: Number(frame[2]), height: Number(frame[3]) });
        else if (/error|invalid|corrupt|missing|fail|no such|unknown|does not|cannot|moov/i.test(line)) words = line.trim();
      }
      wake();
    });
    const end = (): void => {
      isOver = true;
      wake();
      resolve();
    };
    child.stderr.on('end', end);
    child.stderr.on('error', end);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') reject(cause);
      else
        reject(
          new DatasetError(
            `expected the program "${program}" for videos and JPEG pictures, found none. Install ffmpeg, or name it in ${FFMPEG}.`,
            { cause },
          ),
        );
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`ffmpeg says: ${words.slice(0, MOST_WORDS) || `nothing, and ended with code ${code}`}`));
    });
  });
  // It may fail before anybody waits for it.
  ended.catch(() => {});
  child.stdin.on('error', () => {});
  return {
    child,
    ended,
    checkFrame: async (number, expected, fps, width, height) => {
      while (shown.length <= number && !isOver) await Promise.race([said, new Promise<void>((resolve) => (wake = resolve))]);
      const frame = shown[number];
      if (frame === undefined) throw new Error('ffmpeg says nothing about a frame');
      if (frame.width !== width || frame.height !== height) {
        throw new Error(`expected ${height} × ${width} pixels (height × width), found ${frame.height} × ${frame.width}`);
      }
      const shift = (frame.time - expected) * fps;
      if (!(Math.abs(shift) <= MOST_SHIFT)) {
        const where = `${Math.abs(shift).toFixed(2)} frames ${shift > 0 ? 'later' : 'earlier'}`;
        throw new Error(
          `expected a frame at its time at ${fps} frames per second, found one ${where}: a frame is missing, or the rate is another`,
        );
      }
    },
    sides: () => {
      const last = shown.at(-1);
      return [last?.height ?? 0, last?.width ?? 0];
    },
  };
}
