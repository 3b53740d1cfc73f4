import { declareBindings, type Kernel, type KernelBinding, TEXTURE_WIDTH, texelAt, WORDS_TEXTURE } from '../../kernels/lib/kernel.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { type Binding, PlanBuilder } from '../../src/runtime/plan-builder.js';
import { Uploader } from '../../src/runtime/uploader.js';
import type { Arena } from './arena.js';
import { chooseChain, runChain } from './chain.js';
import { measureTask } from './harness.js';
import type { StreamRecord } from './record.js';
import { describeSamples, rounded } from './statistics.js';

/** How a kernel that does nothing but read, or copy, goes through memory. */
interface StreamVariant {
  /** A texture is read where the network's weights may lie in one: some drivers load texels faster than words. */
  readonly does: 'read' | 'copy' | 'texture';
  readonly workgroups: number;
  readonly invocations: number;
  /** vec4s that an invocation loads before it uses them. */
  readonly unrolled: number;
  /**
   * Neighbouring invocations read neighbouring vec4s, all of them together (`grid`) or within the share of their
   * workgroup (`shares`); or every invocation has a block of its own (`blocks`).
   */
  readonly order: 'grid' | 'shares' | 'blocks';
}

function variant(
  order: StreamVariant['order'],
  workgroups: number,
  invocations: number,
  unrolled: number,
  does: StreamVariant['does'] = 'read',
): StreamVariant {
  return { does, workgroups, invocations, unrolled, order };
}

/** What was among the best somewhere. */
const GPU_VARIANTS: readonly StreamVariant[] = [
  ...[1, 4, 8].flatMap((unrolled) => [
    variant('grid', 1024, 256, unrolled),
    variant('grid', 4096, 256, unrolled),
    variant('grid', 4096, 64, unrolled),
  ]),
  variant('shares', 4096, 256, 4),
  variant('grid', 4096, 256, 4, 'copy'),
];
const SOFTWARE_VARIANTS: readonly StreamVariant[] = [
  variant('shares', 1024, 64, 1),
  variant('shares', 1024, 64, 4),
  variant('shares', 256, 16, 4),
  variant('blocks', 64, 8, 8),
  variant('shares', 1024, 64, 1, 'texture'),
  variant('shares', 256, 16, 4, 'texture'),
  variant('shares', 1024, 64, 1, 'copy'),
];

const SLICE_BYTES = 64 << 20;
const ROW_BYTES = TEXTURE_WIDTH * 16;
/** 1 as an f32. */
const ONE = 0x3f800000;

/**
 * Measures the plainest kernels there are. The best of them is what this adapter can do today: the yardstick of every
 * other kernel of the run.
 */
export async function measureStream(device: ComputeDevice, arena: Arena, seconds: number): Promise<StreamRecord[]> {
  // A texture has whole rows, so everything has.
  const rows = Math.floor(Math.min(SLICE_BYTES, device.limits.maxStorageBufferBindingSize, arena.bytes / 2) / ROW_BYTES);
  const bytes = rows * ROW_BYTES;
  const turns = Math.floor(arena.bytes / bytes);
  const variants = device.deviceClass === 'gpu' ? GPU_VARIANTS : SOFTWARE_VARIANTS;
  const textures = new Uploader(device);
  const records: StreamRecord[] = [];
  try {
    const images: GPUTexture[] = [];
    if (variants.some(({ does }) => does === 'texture')) {
      for (let turn = 0; turn < turns; turn++) {
        images.push(await textures.uploadTexture('stream', TEXTURE_WIDTH, bytes / 4, (words) => words.fill(ONE)));
      }
    }
    for (const choice of variants) {
      const kernel = streamKernel(choice);
      const builder = new PlanBuilder(device.deviceClass);
      const output: Binding = { buffer: builder.buffer('output', choice.does === 'copy' ? bytes : 16) };
      for (let turn = 0; turn < turns; turn++) {
        builder.segment(`turn ${turn}`);
        const image = images[turn];
        const input =
          choice.does === 'texture' && image ? { buffer: builder.existing(image) } : await arena.slice(builder, 'vec4f', bytes, turn);
        builder.dispatch(kernel, [input, output], [choice.workgroups, 1, 1]);
      }
      records.push(await measureVariant(device, builder, kernel.label, turns, bytes * (choice.does === 'copy' ? 2 : 1), seconds));
    }
    return records;
  } finally {
    textures.destroy();
  }
}

async function measureVariant(
  device: ComputeDevice,
  builder: PlanBuilder,
  name: string,
  turns: number,
  bytes: number,
  seconds: number,
): Promise<StreamRecord> {
  const plan = await compilePlan(device, builder);
  try {
    let turn = 0;
    const run = (count: number): Promise<number> =>
      runChain(
        device,
        plan,
        Array.from({ length: count }, () => ({ segment: `turn ${turn++ % turns}` })),
      );
    const chain = await chooseChain(device, run);
    const samples = (await measureTask({ name, run: () => run(chain) }, seconds)).map((ms) => ms / chain);
    const timing = { ...describeSamples(samples), samplesMs: rounded(samples) };
    return { name, bytes, run: timing, gigabytesPerSecond: bytes / timing.p50 / 1e6 };
  } finally {
    plan.destroy();
  }
}

/** Sums (or copies) an array of vec4f. The sum is stored only if it is a number it cannot be: nothing but loads is left. */
function streamKernel({ does, invocations, unrolled, order, workgroups }: StreamVariant): Kernel {
  const copies = does === 'copy';
  const bindings: KernelBinding[] = [
    does === 'texture' ? { name: 'x', access: 'texture', type: WORDS_TEXTURE } : { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const total = invocations * workgroups;
  const [first, end, stride] = {
    grid: ['id.x', 'count', total],
    shares: ['workgroup.x * share + local', 'min(count, (workgroup.x + 1u) * share)', invocations],
    blocks: ['id.x * block', 'min(count, (id.x + 1u) * block)', 1],
  }[order] as [string, string, number];
  const lines = Array.from({ length: unrolled }, (_, k) => {
    const index = `min(i + ${k * stride}u, count - 1u)`;
    return copies ? `    y[${index}] = load(${index});` : `    sum${k} += load(${index});`;
  });
  const sums = Array.from({ length: unrolled }, (_, k) => `sum${k}`);
  const code = `
${declareBindings(bindings)}

fn load(index: u32) -> vec4f {
  return ${does === 'texture' ? `bitcast<vec4f>(textureLoad(x, ${texelAt('index')}))` : 'x[index]'};
}

@compute @workgroup_size(${invocations})
fn main(
  @builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32,
) {
  let count = ${does === 'texture' ? `textureDimensions(x).y * ${TEXTURE_WIDTH}u` : 'arrayLength(&x)'};
  let block = (count + ${total - 1}u) / ${total}u;
  let share = block * ${invocations}u;
${copies ? '' : sums.map((sum) => `  var ${sum} = vec4f();`).join('\n')}
  for (var i = ${first}; i < ${end}; i += ${unrolled * stride}u) {
${lines.join('\n')}
  }
${copies ? '' : `  let sum = ${sums.join(' + ')};\n  if (all(sum == vec4f(1e30f))) {\n    y[0] = sum;\n  }`}
}
`;
  const label = `${does} ${order} ${workgroups}x${invocations} ${unrolled}v`;
  return { label, code, bindings };
}
