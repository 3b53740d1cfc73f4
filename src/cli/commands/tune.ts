import { dirname } from 'node:path';
import { describeEnvironment } from '../../platform/node/environment.js';
import { checkOutputFile, outputFolder } from '../../platform/node/output-file.js';
import { readVariants, storedVariants, variantFile, writeVariants } from '../../platform/node/variants.js';
import type { AdapterSummary } from '../../runtime/device.js';
import type { VariantTable } from '../../runtime/variant-table.js';
import { PRECISIONS } from '../../spec/precision.js';
import { SYNTHETIC_SIZES } from '../../synthetic/checkpoint.js';
import { checkWithout, parseCommandLine } from '../../terminal/command-line.js';
import { milliseconds, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import {
  atMost,
  choiceListOption,
  choiceOption,
  integerOption,
  positiveOption,
  profileOption,
  UsageError,
} from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { table } from '../../terminal/table.js';
import { shownCut } from '../../tuning/candidates.js';
import { type TunedShape, type TuneResult, tuneVariants } from '../../tuning/tune.js';
import type { Command } from '../command.js';
import { adapterName, withDevice } from '../load.js';
import { placedFileOption } from '../output-options.js';
import { pictureOption } from '../picture-option.js';

const USAGE = `usage: warmstep tune [options]

Measures how the convolutions of a synthetic network are best cut on an adapter, and stores what wins by more than noise
in the cache folder of the user, where later runs find it. Variants that compute something else are never taken. For a
policy that looks through cameras: once as it is, and once with the size of the pictures that its encoder sees.

  --size SIZE        large (default), small or tiny
  --picture HxW      the image encoder (ResNet-18) for pictures of this size instead, e.g. 84x84, after resize and crop
  --norm NORM        of the image encoder: batch (default) or group
  --precision LIST   storages of the weights, of f32, f16, int8 (default: all)
  --horizon N        rows of a chunk, a multiple of 8 from 16 (default 16)
  --seconds S        time for each shape, compiling not included (default: what fits into two minutes in all)
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P        safe (default), or fast: Dawn without validation and bounds checks
  --output FILE      where the table is stored, instead of the cache folder
  --dry-run          store nothing
  --json             one JSON object on standard output`;

const OPTIONS = {
  size: { type: 'string' },
  picture: { type: 'string' },
  norm: { type: 'string' },
  precision: { type: 'string' },
  horizon: { type: 'string' },
  seconds: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  output: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const DEFAULT_TOTAL_SECONDS = 120;

export const tuneCommand: Command = {
  name: 'tune',
  summary: 'Measure how convolutions are best cut on this adapter, and keep it.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, { norm: ['picture'] });
    atMost(positionals, 0);
    const size = choiceOption('size', values.size, SYNTHETIC_SIZES) ?? 'large';
    const picture = pictureOption(values.picture, values.norm);
    if (picture) checkWithout<typeof OPTIONS>(values, ['size', 'horizon'], '--picture is of an image encoder');
    if (values['dry-run']) checkWithout<typeof OPTIONS>(values, ['output'], '--dry-run stores nothing');
    const precisions = choiceListOption('precision', values.precision, PRECISIONS) ?? PRECISIONS;
    const horizon = integerOption('horizon', values.horizon, 16) ?? 16;
    if (horizon % 8 !== 0) throw new UsageError(`--horizon must be a multiple of 8, found ${horizon}`);
    const seconds = positiveOption('seconds', values.seconds);
    const profile = profileOption(values.profile);
    const isStored = values['dry-run'] !== true;
    const { output } = values;
    if (isStored) await placedFileOption('output', output);
    return interruptible((signal) =>
      // Against the shipped variants: what was tuned before shall not be the measure.
      withDevice({ adapter: values.adapter, profile, variants: 'shipped' }, async (device) => {
        const environment = describeEnvironment();
        const file = output ?? variantFile(device.adapter);
        // Before the work: neither a cache folder that is read-only nor a damaged file shall cost it.
        if (output === undefined && isStored) {
          await outputFolder(dirname(file));
          await checkOutputFile(file);
        }
        // A damaged table in the cache folder is replaced.
        const known = output === undefined ? storedVariants(device.adapter, printNote) : readVariants(file, device.adapter);
        const progress = new Progress();
        const onShape = (key: string, index: number, count: number): void => progress.update(`${index + 1} of ${count}: ${key}`);
        const totalSeconds = seconds === undefined ? DEFAULT_TOTAL_SECONDS : Infinity;
        const options = { size, picture, precisions, horizon, seconds, totalSeconds, signal, onShape };
        const result = await tuneVariants(device, options).finally(() => progress.done());
        if (isStored) await writeVariants(file, merge(known, result));
        const stored = isStored ? file : null;
        if (values.json) printJson({ ...result, stored, ...(picture ? { picture } : { size }), adapter: device.adapter, environment });
        else print(report(result, stored, device.adapter));
        return 0;
      }),
    );
  },
};

/** What was measured replaces what was known of the same shapes; the rest stays. */
function merge(known: VariantTable | undefined, { table: found, shapes, halfLoads }: TuneResult): VariantTable {
  const measured = new Set(shapes.map(({ key }) => key));
  const kept = <T>(list: Readonly<Record<string, T>> = {}): Record<string, T> =>
    Object.fromEntries(Object.entries(list).filter(([key]) => !measured.has(key)));
  const convolutions2d = { ...kept(known?.convolutions2d), ...found.convolutions2d };
  const { file: _, halfLoads: before, convolutions2d: __, ...rest } = { ...known, ...found };
  const loads = halfLoads ? found.halfLoads : (found.halfLoads ?? before);
  return {
    ...rest,
    convolutions: { ...kept(known?.convolutions), ...found.convolutions },
    ...(Object.keys(convolutions2d).length > 0 ? { convolutions2d } : {}),
    ...(loads === undefined ? {} : { halfLoads: loads }),
  };
}

function report({ shapes, unmeasured, halfLoads }: TuneResult, stored: string | null, adapter: AdapterSummary): string {
  const total = (time: (shape: TunedShape) => number): number => shapes.reduce((sum, shape) => sum + time(shape) * shape.uses, 0);
  const [shipped, tuned] = [total(({ shippedMs }) => shippedMs), total(({ chosenMs }) => chosenMs)];
  const dropped = shapes.flatMap(({ key, candidates }) =>
    candidates.flatMap(({ cut, dropped: reason }) => (reason === undefined ? [] : [`dropped: ${shownCut(cut)} of ${key}: ${reason}`])),
  );
  return [
    adapterName({ adapter }),
    table(
      ['convolution', 'uses', 'shipped', 'best', 'gain', 'chosen'],
      shapes.map(({ key, uses, shippedMs, chosenMs, chosen }) => [
        key,
        String(uses),
        milliseconds(shippedMs),
        milliseconds(chosenMs),
        gain(shippedMs, chosenMs),
        chosen ? shownCut(chosen) : 'shipped',
      ]),
    ),
    [
      `all convolutions: shipped ${milliseconds(shipped)}, tuned ${milliseconds(tuned)}, gain ${gain(shipped, tuned)}`,
      ...(halfLoads ? [`f16 weights: unpacked ${milliseconds(halfLoads.packedMs)}, native ${milliseconds(halfLoads.nativeMs)}`] : []),
      ...dropped,
      ...(unmeasured.length > 0
        ? [`not measured, for want of time: ${plural(unmeasured.length, 'shape')}; --seconds gives each its own`]
        : []),
      stored === null ? 'nothing was stored (--dry-run)' : `stored in ${stored}`,
    ].join('\n'),
  ].join('\n\n');
}

function gain(before: number, after: number): string {
  return `${((1 - after / before) * 100).toFixed(1)} %`;
}
