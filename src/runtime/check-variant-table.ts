import { OptionError } from '../foundation/errors.js';
import { shown } from '../foundation/shown.js';
import { conv2dKeyChannels, isTunedConv2d } from './tuned-conv2d.js';
import {
  BLOCK_LANES,
  CONVOLUTION_KEY,
  isTiling,
  MOST_INVOCATIONS,
  paddedLanes,
  type TunedTiling,
  VARIANT_TABLE_VERSION,
  type VariantTable,
} from './variant-table.js';

/**
 * Checks that something is a table for an adapter. `where`: the file, or the option that it was given as.
 * @throws OptionError for another version, another adapter or impossible variants: a table is used as a whole or not at all.
 */
export function checkVariantTable(value: unknown, adapter: string, where: string): VariantTable {
  const fail = (expected: string, found: unknown): never => {
    throw new OptionError(
      `${where}: expected ${expected}, found ${shown(found)}. Run \`warmstep tune\` on this ` +
        'adapter again, or leave the table out (in Node: delete the file, or set WARMSTEP_VARIANTS=shipped).',
    );
  };
  if (!isRecord(value)) return fail('a table of variants (a JSON object)', value);
  const { version, adapter: measuredOn, convolutions, convolutions2d = {}, halfLoads } = value;
  if (version !== VARIANT_TABLE_VERSION) fail(`version ${VARIANT_TABLE_VERSION}`, version);
  if (measuredOn !== adapter) fail(`a table of adapter "${adapter}"`, measuredOn);
  if (halfLoads !== undefined && halfLoads !== 'packed' && halfLoads !== 'native') fail('halfLoads "packed" or "native"', halfLoads);
  if (!isRecord(convolutions)) return fail('an object of convolutions', convolutions);
  for (const [key, tiling] of Object.entries(convolutions)) {
    const outChannels = Number(CONVOLUTION_KEY.exec(key)?.[2] ?? fail('keys like "conv1d 512x1024 k5 s1 16->16 f16"', key));
    if (!isRecord(tiling) || !isTiling(tiling as unknown as TunedTiling, outChannels)) {
      fail(
        `integers in "${key}": lanes, a multiple of ${BLOCK_LANES} that divides ${paddedLanes(outChannels)}, and slices, with at most ` +
          `${MOST_INVOCATIONS} invocations together`,
        tiling,
      );
    }
  }
  if (!isRecord(convolutions2d)) return fail('an object of 2-D convolutions', convolutions2d);
  for (const [key, cut] of Object.entries(convolutions2d)) {
    const outChannels = conv2dKeyChannels(key) ?? fail('keys like "conv2d 64x128 k3 s2 p1 21x21->11x11 f16"', key);
    if (!isTunedConv2d(cut, outChannels)) {
      fail(`a tile in "${key}" (pixels, pixelsEach, lanes, lanesEach) that its kernel can be cut into, or pixels alone`, cut);
    }
  }
  return value as unknown as VariantTable;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
