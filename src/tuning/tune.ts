import { trustsHalfLoads } from '../ops/half-loads.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { BuildTarget } from '../runtime/plan-builder.js';
import { adapterIdentity, VARIANT_TABLE_VERSION, type VariantTable } from '../runtime/variant-table.js';
import type { Precision } from '../spec/precision.js';
import type { SyntheticSize } from '../synthetic/checkpoint.js';
import { candidateCuts, fits, type TunedCut, tableLists } from './candidates.js';
import { holdContest, type Standing } from './contest.js';
import type { PictureChoice } from './empty-encoder.js';
import { loadTunableEncoder, loadTunableNetwork, type RecordedConvolution, type TunableNetwork } from './record-network.js';

export interface TuneOptions {
  readonly size: SyntheticSize;
  readonly precisions: readonly Precision[];
  readonly horizon: number;
  /** The encoder of pictures of this size instead of a decision. */
  readonly picture?: PictureChoice | undefined;
  /** For each shape, compiling not included. Default: an equal share of what is left of `totalSeconds`. */
  readonly seconds?: number | undefined;
  /** Shapes that it does not reach stay as they are; the largest come first. */
  readonly totalSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onShape?: ((key: string, index: number, count: number) => void) | undefined;
}

/** A candidate with what was found of it. */
export type CandidateStanding = Standing & { readonly cut: TunedCut };

/** One convolution and what was measured of it, in milliseconds per dispatch. */
export interface TunedShape {
  readonly key: string;
  /** Dispatches in a decision of STEP, or of an encoder. */
  readonly uses: number;
  readonly shippedMs: number;
  /** Of the chosen variant, which may be the shipped one. */
  readonly chosenMs: number;
  /** Undefined: the shipped variant. */
  readonly chosen: TunedCut | undefined;
  readonly candidates: readonly CandidateStanding[];
}

export interface TuneResult {
  readonly shapes: readonly TunedShape[];
  /** Keys that the time did not suffice for. */
  readonly unmeasured: readonly string[];
  /** Times of the largest f16 convolutions, where native loads were tried. */
  readonly halfLoads: { readonly packedMs: number; readonly nativeMs: number } | undefined;
  readonly table: VariantTable;
}

/** A winner must be faster by more than this, and by more than the noise of the shipped variant. */
const LEAST_GAIN = 0.03;
/** Convolutions that native and packed halves are compared on. */
const HALF_SHAPES = 4;
const HALF_SECONDS = 0.5;

/**
 * Finds the fastest variants of all convolutions of a synthetic network, or of an image encoder, on this device, which must have been opened with
 * the shipped ones. Candidates that compute something else are dropped and reported.
 */
export async function tuneVariants(device: ComputeDevice, options: TuneOptions): Promise<TuneResult> {
  const started = performance.now();
  const shapes: TunedShape[] = [];
  const unmeasured: string[] = [];
  let halfLoads: TuneResult['halfLoads'];
  for (const [index, precision] of options.precisions.entries()) {
    const end = started + (options.totalSeconds * 1000 * (index + 1)) / options.precisions.length;
    const { picture } = options;
    const network = await (picture
      ? loadTunableEncoder(device, { picture, precision })
      : loadTunableNetwork(device, { ...options, precision }));
    try {
      const found = await tuneNetwork(device, network, options, end);
      shapes.push(...found.shapes);
      unmeasured.push(...found.unmeasured);
      if (precision === 'f16') halfLoads = await compareHalfLoads(device, network, found.shapes);
    } finally {
      network.destroy();
    }
  }
  // int8 and f32 keep narrow layers alike: the same key may have been met twice, and the last measurement counts.
  const cuts = Object.fromEntries(shapes.flatMap(({ key, chosen }) => (chosen ? [[key, chosen]] : [])));
  const native = halfLoads && halfLoads.nativeMs < halfLoads.packedMs * (1 - LEAST_GAIN);
  return {
    shapes,
    unmeasured,
    halfLoads,
    table: { ...tableOf(device, cuts), ...(native ? { halfLoads: 'native' } : {}) },
  };
}

async function tuneNetwork(
  device: ComputeDevice,
  network: TunableNetwork,
  options: TuneOptions,
  end: number,
): Promise<{ shapes: TunedShape[]; unmeasured: string[] }> {
  const shipped = network.record(targetOf(device, {}));
  const keys = [...shipped.keys()];
  const cuts = candidateCuts(device.deviceClass).filter((cut) => keys.some((key) => fits(cut, key)));
  const recordings = cuts.map((cut) =>
    network.record(targetOf(device, Object.fromEntries(keys.filter((key) => fits(cut, key)).map((key) => [key, cut])))),
  );
  const order = [...shipped].sort(([, a], [, b]) => weightBytes(b) * b.uses - weightBytes(a) * a.uses);
  const shapes: TunedShape[] = [];
  for (const [index, [key, convolution]] of order.entries()) {
    options.signal?.throwIfAborted();
    const left = (end - performance.now()) / 1000;
    if (left <= 0) return { shapes, unmeasured: order.slice(index).map(([unmeasured]) => unmeasured) };
    options.onShape?.(key, index, order.length);
    const texts = new Set([convolution.dispatch.kernel.code]);
    const candidates = cuts.flatMap((cut, i) => {
      const variant = recordings[i]?.get(key);
      // The text of a candidate that does not fit is the shipped one's, and so is that of the shipped cut; small maps are cut alike by many.
      if (!variant || texts.has(variant.dispatch.kernel.code)) return [];
      texts.add(variant.dispatch.kernel.code);
      return [{ cut, variant }];
    });
    const seconds = options.seconds ?? left / (order.length - index) / 2;
    const [baseline, ...standings] = await holdContest(device, [convolution, ...candidates.map(({ variant }) => variant)], seconds);
    shapes.push(
      chooseVariant(
        key,
        convolution.uses,
        baseline,
        candidates.map(({ cut }, i) => ({ cut, ...(standings[i] as Standing) })),
      ),
    );
  }
  return { shapes, unmeasured: [] };
}

/** The fastest candidate, if it is faster than the shipped variant by more than noise. */
export function chooseVariant(
  key: string,
  uses: number,
  shipped: Standing | undefined,
  candidates: readonly CandidateStanding[],
): TunedShape {
  const shippedMs = shipped?.ms ?? Number.NaN;
  const best = candidates.reduce<CandidateStanding | undefined>((a, b) => ((b.ms ?? Infinity) < (a?.ms ?? Infinity) ? b : a), undefined);
  const wins = best?.ms !== undefined && best.ms < shippedMs * (1 - Math.max(LEAST_GAIN, shipped?.spread ?? 0));
  return {
    key,
    uses,
    shippedMs,
    candidates,
    chosenMs: wins ? (best.ms as number) : shippedMs,
    chosen: wins ? best.cut : undefined,
  };
}

/** Native against packed halves, with the variants that were chosen; undefined where native ones are out of the question. */
async function compareHalfLoads(
  device: ComputeDevice,
  network: TunableNetwork,
  shapes: readonly TunedShape[],
): Promise<TuneResult['halfLoads']> {
  const chosen = Object.fromEntries(shapes.flatMap(({ key, chosen: cut }) => (cut ? [[key, cut]] : [])));
  const packed = network.record(targetOf(device, chosen));
  if (!(await trustsHalfLoads(device, 'native'))) return undefined;
  const native = network.record({ ...targetOf(device, chosen), halfLoads: 'native' });
  let [packedMs, nativeMs] = [0, 0];
  for (const { key, uses } of shapes.slice(0, HALF_SHAPES)) {
    const pair = [packed.get(key), native.get(key)].flatMap((convolution) => convolution ?? []);
    // Weights in textures have no native halves: nothing differs.
    if (pair[0]?.dispatch.kernel.code === pair[1]?.dispatch.kernel.code) continue;
    const [before, after] = await holdContest(device, pair, HALF_SECONDS);
    if (before?.ms === undefined || after?.ms === undefined) return undefined;
    packedMs += before.ms * uses;
    nativeMs += after.ms * uses;
  }
  return packedMs > 0 ? { packedMs, nativeMs } : undefined;
}

type Cuts = Readonly<Record<string, TunedCut>>;

function tableOf(device: ComputeDevice, cuts: Cuts): VariantTable {
  return { version: VARIANT_TABLE_VERSION, adapter: adapterIdentity(device.adapter), ...tableLists(cuts) };
}

function targetOf(device: ComputeDevice, cuts: Cuts): BuildTarget {
  const { deviceClass, subgroupSize } = device;
  return { deviceClass, subgroupSize, halfLoads: 'packed', variants: tableOf(device, cuts) };
}

function weightBytes({ dispatch }: RecordedConvolution): number {
  const index = dispatch.kernel.bindings.findIndex(({ name }) => name === 'weight');
  return dispatch.bindings[index]?.buffer.bytes ?? 0;
}
