import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * How the values of a frame lie in memory: interleaved bytes with three or four of them to a pixel (the fourth is dropped), or
 * planes of bytes or of f32. Bytes are divided by 255.
 */
export const FRAME_FORMATS = ['u8-hwc3', 'u8-hwc4', 'u8-chw', 'f32-chw'] as const;
export type FrameFormat = (typeof FRAME_FORMATS)[number];

export interface PrepareFramesParameters {
  readonly format: FrameFormat;
  /** Whether pixels are sums over several pixels of the frame, by tables; otherwise they are copied. */
  readonly resized: boolean;
  /** Whether every frame has a first row and column of its own. Not with `resized`. */
  readonly offsets?: boolean;
  readonly invocations: number;
}

export interface PrepareFramesSizes {
  /** Of the frames as they arrive. */
  readonly height: number;
  readonly width: number;
  /** Words of 32 bits between the beginnings of two frames. */
  readonly frameWords: number;
  /** Of the pictures that the network sees. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** First row and column that is kept; 0 with `resized`, whose tables begin there. */
  readonly top: number;
  readonly left: number;
  /** Frames of a camera that follow one another. */
  readonly framesPerCamera: number;
  /** With `resized`: numbers of a row's and of a column's entry, and where the entries of columns begin. */
  readonly rowTaps: number;
  readonly columnTaps: number;
  /** Place of the first of these frames among those in `out`. */
  readonly first: number;
}

/** The kernel's `shape`. */
export function prepareFramesShape(sizes: PrepareFramesSizes): number[] {
  const { height, width, frameWords, outHeight, outWidth, top, left, framesPerCamera, rowTaps, columnTaps, first } = sizes;
  return [height, width, frameWords, outHeight, outWidth, top, left, framesPerCamera, rowTaps, columnTaps, first];
}

/** Two bytes that may lie in two words, and the one after them, from byte offset `at`. */
const THREE_BYTES = `  let shift = (at & 3u) * 8u;
  let low = frames[at >> 2u] >> shift;
  // No word past the one that holds the last byte; what it leaves above 24 bits is masked.
  let high = select(frames[(at + 2u) >> 2u] << ((32u - shift) & 31u), 0u, shift == 0u);
  let bits = low | high;
  return vec3f(vec3u(bits, bits >> 8u, bits >> 16u) & vec3u(255u)) / 255.0f;`;

const LOADS: Readonly<Record<FrameFormat, string>> = {
  'u8-hwc3': `  let at = first * 4u + pixel * 3u;\n${THREE_BYTES}`,
  'u8-hwc4': `  let bits = frames[first + pixel];
  return vec3f(vec3u(bits, bits >> 8u, bits >> 16u) & vec3u(255u)) / 255.0f;`,
  'u8-chw': `  let plane = shape.height * shape.width;
  let at = vec3u(pixel, pixel + plane, pixel + 2u * plane);
  let words = vec3u(frames[first + (at.x >> 2u)], frames[first + (at.y >> 2u)], frames[first + (at.z >> 2u)]);
  return vec3f((words >> ((at & vec3u(3u)) * 8u)) & vec3u(255u)) / 255.0f;`,
  'f32-chw': `  let plane = shape.height * shape.width;
  let at = first + pixel;
  return bitcast<vec3f>(vec3u(frames[at], frames[at + plane], frames[at + 2u * plane]));`,
};

/**
 * Brings frames to what an image encoder sees, in one pass: from bytes to 0 … 1, resize, crop, normalisation
 *
 *     v[y, x, c] = Σ_j Σ_i row_weight[y, j] · column_weight[x, i] · frame[row[y] + j, column[x] + i, c]
 *     out[y, x, c] = (v − s[c].x) / s[c].y · s[c].z + s[c].w
 *
 * with the statistics s of normalize.wgsl.ts for each camera. The reference normalises before it resizes; weights of a pixel
 * add up to 1, so that is the same. The tables of an antialiased resize come from the host, in float64: an entry is the first
 * row (or column) and its weights, rows and columns that the crop drops are not in them. They
 * may pad as well: where weights add up to less than 1, the rest is black.
 *
 * Bindings: shape · frames as words, [camera][frame of the camera], each at a multiple of `frameWords`, which are those from number
 * `first` on of all that `out` has · statistics vec4f
 * [camera][3] · with `resized`, tables f32 [outHeight][1 + taps] then [outWidth][1 + taps] · with `offsets`, vec2u [frame]: top and left
 * instead of those of the shape · out, a feature map of three channels. An invocation owns one pixel.
 */
export function prepareFramesKernel(p: PrepareFramesParameters): Kernel {
  if (p.resized && p.offsets) throw new TypeError('prepare_frames: the tables of a resize begin at one offset for all frames');
  const [top, left] = p.offsets ? ['offsets[id.z].x', 'offsets[id.z].y'] : ['shape.top', 'shape.left'];
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'frames', access: 'read', type: 'array<u32>' },
    { name: 'statistics', access: 'read', type: 'array<vec4f>' },
    ...(p.offsets ? [{ name: 'offsets', access: 'read', type: 'array<vec2u>' } as const] : []),
    ...(p.resized ? [{ name: 'tables', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'out', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape([
  'height',
  'width',
  'frame_words',
  'out_height',
  'out_width',
  'top',
  'left',
  'frames_per_camera',
  'row_taps',
  'column_taps',
  'first',
])}
${declareBindings(bindings)}

// Red, green and blue of a pixel, 0 … 1.
fn load(first: u32, pixel: u32) -> vec3f {
${LOADS[p.format]}
}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.out_height * shape.out_width) {
    return;
  }
  let y = id.x / shape.out_width;
  let x = id.x % shape.out_width;
  let first = id.z * shape.frame_words;
  #if ${p.resized}
  let row = y * (1u + shape.row_taps);
  let column = shape.out_height * (1u + shape.row_taps) + x * (1u + shape.column_taps);
  let first_row = u32(tables[row]);
  let first_column = u32(tables[column]);
  var value = vec3f();
  for (var j = 0u; j < shape.row_taps; j++) {
    // Weights past the last one are zeros; their pixels must be in bounds.
    let source = first_row + j;
    let begin = min(source, shape.height - 1u) * shape.width;
    var sum = vec3f();
    for (var i = 0u; i < shape.column_taps; i++) {
      sum += tables[column + 1u + i] * load(first, begin + min(first_column + i, shape.width - 1u));
    }
    value += tables[row + 1u + j] * sum;
  }
  #else
  let value = load(first, (y + ${top}) * shape.width + x + ${left});
  #endif
  let place = shape.first + id.z;
  let camera = place / shape.frames_per_camera * 3u;
  let s = array<vec4f, 3>(statistics[camera], statistics[camera + 1u], statistics[camera + 2u]);
  let normalized = (value - vec3f(s[0].x, s[1].x, s[2].x)) / vec3f(s[0].y, s[1].y, s[2].y) * vec3f(s[0].z, s[1].z, s[2].z)
    + vec3f(s[0].w, s[1].w, s[2].w);
  out[place * shape.out_height * shape.out_width + id.x] = vec4f(normalized, 0.0f);
}
`;
  return { label: `prepare_frames ${p.format}${p.resized ? ', resized' : ''}${p.offsets ? ', offsets' : ''}`, code, bindings };
}
