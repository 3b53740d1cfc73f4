/**
 * A policy that looks through a camera: raw video on standard input, one action per frame.
 *
 *     ffmpeg -f v4l2 -i /dev/video0 -vf fps=10,scale=96:96 -f rawvideo -pix_fmt rgb24 - | node dist/examples/camera.js POLICY
 *     node dist/examples/camera.js POLICY --synthetic
 *
 * POLICY: folder of a LeRobot checkpoint with one image. Frames have the size that it was trained on. The robot is a stand-in that
 * moves straight to where it is told; with --synthetic so is the video.
 */
import { Readable } from 'node:stream';
import { loadPolicy, type Observation } from 'warmstep';

const SYNTHETIC_FRAMES = 30;

const [folder, source] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node dist/examples/camera.js POLICY [--synthetic], with raw video on standard input');
const policy = await loadPolicy(folder, { precision: 'auto' });
const { observations } = policy.info;
const camera = observations.find((observation) => observation.kind === 'image');
if (!camera) throw new Error(`${policy.info.name} reads no image`);
const frameBytes = 3 * camera.height * camera.width;
console.log(`${camera.name}: ${camera.height}×${camera.width}, rgb24, ${frameBytes} bytes a frame, on ${policy.info.adapter.description}`);

const video = source === '--synthetic' ? Readable.from(synthetic()) : process.stdin;
// The first values of what the robot was told stand for its state, whatever the policy reads beside the image.
let state: ArrayLike<number> = new Float32Array(policy.info.actionDim);
let tick = 0;
for await (const frame of frames(video)) {
  const vectors = observations.flatMap((observation) =>
    observation.kind === 'vector' ? [[observation.name, Array.from({ length: observation.size }, (_, i) => state[i] ?? 0)] as const] : [],
  );
  // Encoded as it arrives: the decision finds its features there. act() encodes what it does not find.
  const observed: Observation = await policy.observe({ ...Object.fromEntries(vectors), [camera.name]: frame });
  state = await policy.act(observed);
  console.log(`frame ${tick++}: ${Array.from(state, (value) => value.toFixed(2)).join(', ')}`);
}
console.log(`${tick} frames, ${policy.encodedFrames} encoded`);
await policy.dispose();

/** Whole frames of a stream, whose pieces end anywhere. */
async function* frames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let frame = new Uint8Array(frameBytes);
  let filled = 0;
  for await (const piece of stream) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + frameBytes - filled);
      frame.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < frameBytes) continue;
      yield frame;
      frame = new Uint8Array(frameBytes);
      filled = 0;
    }
  }
}

/** Colours that move, in pieces that are no whole frames. */
function* synthetic(): Generator<Uint8Array> {
  const bytes = new Uint8Array(SYNTHETIC_FRAMES * frameBytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i + 5 * Math.floor(i / frameBytes)) % 256;
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
