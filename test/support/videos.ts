import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Dataset } from '../../src/datasets/dataset.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { changedJson, type DatasetFileMap, leRobotFiles } from './datasets.js';

export const [HEIGHT, WIDTH, FPS] = [48, 64, 10] as const;
export const LENGTHS = [14, 11] as const;
export const CAMERA = 'observation.images.top';
const folders: string[] = [];

/** Takes all folders away again. */
export function removeVideoFolders(): void {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
}

/** Grey of a frame of the video: neighbours differ by more than a codec's error. */
const grey = (frame: number): number => (frame * 53) % 240;

/** A video of frames of one grey each, with a keyframe every five frames. */
export async function encode(
  path: string,
  frames: number,
  fps: number = FPS,
  codec: readonly string[] = ['-c:v', 'mpeg4', '-g', '5', '-q:v', '1'],
): Promise<void> {
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(fps), '-i', 'pipe:0'];
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...input, ...codec, '-pix_fmt', 'yuv420p', '-y', path], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}`))));
  });
  for (let frame = 0; frame < frames; frame++) child.stdin.write(Buffer.alloc(WIDTH * HEIGHT * 3, grey(frame)));
  child.stdin.end();
  await done;
}

/** The metadata of a data set with a camera more. */
function withCamera(files: DatasetFileMap): DatasetFileMap {
  const camera = { dtype: 'video', shape: [HEIGHT, WIDTH, 3], names: ['height', 'width', 'channels'] };
  return changedJson(files, 'meta/info.json', (info: { features: object; video_path: string }) => {
    Object.assign(info.features, { [CAMERA]: camera });
    info.video_path = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4';
  });
}

/** A LeRobot v2.1 data set of two episodes with a camera, whose videos are still to be written. */
export async function folderV21(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'warmstep-video-'));
  folders.push(folder);
  const v3 = await leRobotFiles(LENGTHS, { fileBytes: 1 });
  const files = changedJson(withCamera(v3), 'meta/info.json', (info: object) => {
    Object.assign(info, {
      codebase_version: 'v2.1',
      data_path: 'data/chunk-{episode_chunk:03d}/file-{episode_index:03d}.parquet',
      video_path: 'videos/{video_key}/episode_{episode_index:06d}.mp4',
    });
  });
  files['meta/episodes.jsonl'] = LENGTHS.map((length, i) => JSON.stringify({ episode_index: i, length })).join('\n');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  mkdirSync(join(folder, `videos/${CAMERA}`), { recursive: true });
  return folder;
}

export const videoOf = (folder: string, episode: number): string => join(folder, `videos/${CAMERA}/episode_00000${episode}.mp4`);

export async function opened(folder: string): Promise<Dataset> {
  const dataset = await openDataset(folder);
  onTestFinished(() => dataset.close());
  return dataset;
}

export async function greys(dataset: Dataset, from: number, to: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const { data, height, width } of dataset.readPictures(CAMERA, from, to)) {
    expect([height, width, data.length]).toEqual([HEIGHT, WIDTH, HEIGHT * WIDTH * 3]);
    seen.push(data[3 * (WIDTH * 20 + 30)] as number);
  }
  return seen;
}

export function expectGreys(seen: readonly number[], first: number): void {
  seen.forEach((value, i) => expect(Math.abs(value - grey(first + i)), `frame ${i}: ${value}`).toBeLessThan(12));
}

/** Such a folder with both videos. */
export async function folderWithVideos(): Promise<string> {
  const folder = await folderV21();
  for (const [episode, frames] of LENGTHS.entries()) await encode(videoOf(folder, episode), frames);
  return folder;
}

/** A folder of its own with a change to the video of episode 1. */
export async function changedVideo(folder: string, change: (path: string) => void | Promise<void>): Promise<Dataset> {
  const copy = await folderV21();
  for (const episode of LENGTHS.keys()) copyFileSync(videoOf(folder, episode), videoOf(copy, episode));
  await change(videoOf(copy, 1));
  return opened(copy);
}
