#!/usr/bin/env node
/** The micro-benchmark suite: `npm run bench`, or `node dist/bench/kernels/main.js --help`. */
import { readFile, writeFile } from 'node:fs/promises';
import { outputFileOption } from '../../src/cli/output-options.js';
import { pictureOption } from '../../src/cli/picture-option.js';
import { openDevice } from '../../src/platform/node/device.js';
import type { TunedTiling } from '../../src/runtime/variant-table.js';
import { PRECISIONS, type Precision } from '../../src/spec/precision.js';
import { SYNTHETIC_SIZES } from '../../src/synthetic/checkpoint.js';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import {
  atMost,
  choiceListOption,
  choiceOption,
  given,
  integerOption,
  positiveOption,
  profileOption,
  UsageError,
} from '../../src/terminal/options.js';
import { print, printJson } from '../../src/terminal/output.js';
import { runScript } from '../../tools/script.js';
import { GPU_NAMES, GPUS } from '../model/gpus.js';
import { predictDecision } from '../model/predict.js';
import { worksOf } from '../model/predict-decision.js';
import { predictionReport } from '../model/report.js';
import { compareRecords, comparisonReport, parseRecord } from './compare.js';
import { compileReport } from './compile-report.js';
import { type CompiledRecord, compiledTable, worseThan } from './compiled.js';
import { report } from './report.js';
import { decisionPicture } from './roofline.js';
import { runSuite } from './suite.js';

const USAGE = `usage: node dist/bench/kernels/main.js [options]

Measures every kernel at every shape of a decision (U-Net and predictor of a synthetic policy), one at a time, beside the
best stream kernel of this adapter, the cost of dispatches, barriers and waits, and the decision as a whole.

  --size SIZE        large (default), small or tiny
  --precision P,P    storage of the weights: f32 (default), f16, int8
  --batch N          samples of a decision (default 1)
  --horizon N        rows of a chunk (default 16)
  --steps N          U-Net evaluations of a decision (default 2)
  --picture HxW      the image encoder (ResNet-18) instead of a decision, --batch pictures of this size, e.g. 84x84
  --norm N           batch (default) or group norm in the image encoder
  --filter TEXT      only cases whose layer, kernel, matrix or segment contains every word of TEXT, and nothing else
  --seconds S        time per case (default 0.5)
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P        safe (default), or fast: Dawn without validation and bounds checks
  --timestamps       the device's own clock, around every dispatch of whole decisions, instead of chains of each
  --compile-report   measures nothing: what the driver made of every kernel (registers, spills, waves), where it says so;
                     of the first precision alone
  --check FILE       an older compile report: exit code 1 where a kernel spills, grows or has too few waves
  --predict GPU      measures nothing: the time of every dispatch of the class gpu, predicted for ${GPU_NAMES.join(', ')} from
                     published figures; of the first precision alone
  --compiled FILE    a compile report, for the registers of a prediction
  --tiling LxS       for a compile report or a prediction: convolutions in L lanes × S slices, where they can be cut so
  --output FILE      write the record as JSON, with all samples; may be the one that it is compared with
  --json             print the record as JSON
  --compare FILE     an older record: ratios per case, marked where they are more than noise
  --svg FILE         picture of the decision: where the time goes, against the floor (one per precision)`;

const OPTIONS = {
  size: { type: 'string' },
  precision: { type: 'string' },
  batch: { type: 'string' },
  horizon: { type: 'string' },
  steps: { type: 'string' },
  picture: { type: 'string' },
  norm: { type: 'string' },
  filter: { type: 'string' },
  seconds: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  timestamps: { type: 'boolean' },
  'compile-report': { type: 'boolean' },
  check: { type: 'string' },
  predict: { type: 'string' },
  compiled: { type: 'string' },
  tiling: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
  compare: { type: 'string' },
  svg: { type: 'string' },
} as const;

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, {
    norm: ['picture'],
    check: ['compile-report'],
    compiled: ['predict'],
    tiling: ['compile-report', 'predict'],
  });
  atMost(positionals, 0);
  const precisions = choiceListOption('precision', values.precision, PRECISIONS) ?? ['f32'];
  const options = {
    size: choiceOption('size', values.size, SYNTHETIC_SIZES) ?? 'large',
    precisions,
    batch: integerOption('batch', values.batch, 1) ?? 1,
    horizon: integerOption('horizon', values.horizon, 4) ?? 16,
    steps: integerOption('steps', values.steps, 1) ?? 2,
    picture: pictureOption(values.picture, values.norm),
    tiling: tilingOption(values.tiling),
    filter: values.filter ?? '',
    timestamps: values.timestamps ?? false,
    seconds: positiveOption('seconds', values.seconds, 3600) ?? 0.5,
  };
  // What can be known to fail shall not cost a measurement.
  // A record may replace the one that it is compared with, which is read whole before; a picture replaces none.
  await outputFileOption('output', values.output, [values.check, values.compiled]);
  await outputFileOption('svg', values.svg, [values.compare, values.check, values.compiled]);
  const gpu = choiceOption('predict', values.predict, GPU_NAMES);
  if (gpu !== undefined) {
    const compiled = values.compiled === undefined ? undefined : (JSON.parse(await readFile(values.compiled, 'utf8')) as CompiledRecord);
    const { size, batch, horizon, steps, tiling } = options;
    const precision = precisions[0] as Precision;
    const works = await worksOf({ size, precision, batch, horizon, steps, tiling }, values.adapter, compiled);
    const record = predictDecision(works, GPUS[gpu]);
    if (values.output !== undefined) await writeFile(values.output, `${JSON.stringify({ predicted: true, ...record }, null, 1)}\n`);
    if (values.json) printJson({ predicted: true, ...record });
    else print(predictionReport(`${size}, ${precision}, batch ${batch}, horizon ${horizon}, ${steps} evaluations with predictor`, record));
    return 0;
  }
  if (values['compile-report']) {
    const older = values.check === undefined ? undefined : (JSON.parse(await readFile(values.check, 'utf8')) as CompiledRecord);
    const record = await compileReport({ ...options, precision: precisions[0] as Precision }, values.adapter);
    if (values.output !== undefined) await writeFile(values.output, `${JSON.stringify(record, null, 1)}\n`);
    if (values.json) printJson(record);
    else print(compiledTable(record));
    const worse = older ? worseThan(older, record) : [];
    for (const line of worse) print(`worse: ${line}`);
    return worse.length === 0 ? 0 : 1;
  }
  // Read first: a wrong name shall not cost a measurement.
  const older = values.compare === undefined ? undefined : parseRecord(await readFile(values.compare, 'utf8'), values.compare);
  const device = await openDevice(given({ adapter: values.adapter, profile: profileOption(values.profile), timing: options.timestamps }));
  try {
    const record = await runSuite(device, options);
    if (values.output !== undefined) await writeFile(values.output, `${JSON.stringify(record)}\n`);
    if (values.json) printJson(record);
    else print(report(record));
    if (older && !values.json) print(`\n${comparisonReport(compareRecords(older, record))}`);
    for (const found of values.svg === undefined ? [] : record.precisions) {
      await writeFile(pictureName(values.svg as string, found.precision, precisions.length), decisionPicture(record, found));
    }
    return 0;
  } finally {
    device.dispose();
  }
}

function tilingOption(text: string | undefined): TunedTiling | undefined {
  if (text === undefined) return undefined;
  const [, lanes, slices] = /^(\d{1,3})x(\d{1,3})$/.exec(text) ?? [];
  if (!Number(lanes) || !Number(slices)) throw new UsageError(`--tiling must be LANESxSLICES, e.g. 8x32, found "${text}"`);
  return { lanes: Number(lanes), slices: Number(slices) };
}

/** "decision.svg" → "decision-f16.svg" where there are several. */
function pictureName(file: string, precision: Precision, count: number): string {
  return count === 1 ? file : `${file.replace(/\.svg$/, '')}-${precision}.svg`;
}

await runScript('node dist/bench/kernels/main.js', USAGE, main);
