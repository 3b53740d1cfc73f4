#!/usr/bin/env node
/**
 * Times training steps of the U-Net by part: `node dist/bench/training/main.js --help`; precisions take turns. Processor time is summed over
 * all threads of the process, so on software adapters it is the step's work whatever else the machine does. The PyTorch side:
 * bench/training/torch_unet.py.
 */
import { openDevice } from '../../src/platform/node/device.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import { atMost, choiceListOption, choiceOption, given, integerListOption, integerOption } from '../../src/terminal/options.js';
import { print, printJson } from '../../src/terminal/output.js';
import { table } from '../../src/terminal/table.js';
import { TRAINING_PRECISIONS, type TrainingPrecision } from '../../src/training/training-step.js';
import { UNetTraining } from '../../src/training/unet/unet-training.js';
import { runScript } from '../../tools/script.js';
import { benchBatch, benchShape, forwardProducts, SCHEDULE, SIZES, UPDATE, writeBenchWeights } from './work.js';

const USAGE = `usage: node dist/bench/training/main.js [options]

Times training steps of the U-Net, by part.

  --size SIZE        small (default) or large
  --batch LIST       windows per step (default 64)
  --precision LIST   how weights are read, of ${TRAINING_PRECISIONS.join(', ')} (default f32)
  --rounds N         the best of them counts (default 5)
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --json             print the record as JSON`;

const OPTIONS = {
  size: { type: 'string' },
  batch: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Parts of a step, by the segments that they are. */
const PARTS = {
  forward: ['forward'],
  backward: ['backward'],
  optimizer: ['result', 'update'],
  step: ['forward', 'backward', 'result', 'update'],
} as const;
type Part = keyof typeof PARTS;

interface Timing {
  readonly wallMs: number;
  readonly processorMs: number;
}

interface BatchRecord {
  readonly batch: number;
  readonly precision: TrainingPrecision;
  /** Best of all rounds. */
  readonly parts: Readonly<Record<Part, Timing>>;
  /** Multiply-adds of forward and backward. */
  readonly products: number;
  readonly memory: Readonly<Record<string, number>>;
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  atMost(positionals, 0);
  const size = choiceOption('size', values.size, Object.keys(SIZES)) ?? 'small';
  const precisions = choiceListOption('precision', values.precision, TRAINING_PRECISIONS) ?? ['f32'];
  const batches = integerListOption('batch', values.batch, 1, 65_536) ?? [64];
  const rounds = integerOption('rounds', values.rounds, 1) ?? 5;
  const device = await openDevice({ profile: 'fast', ...given({ adapter: values.adapter }) });
  try {
    const records: BatchRecord[] = [];
    for (const batch of batches) {
      records.push(...(await measureBatch(device, SIZES[size] as readonly number[], batch, precisions, rounds)));
    }
    if (values.json) printJson({ format: 'warmstep-bench-training', adapter: device.adapter, size, records });
    else report(records);
    return 0;
  } finally {
    device.dispose();
  }
}

async function measureBatch(
  on: ComputeDevice,
  downDims: readonly number[],
  batch: number,
  compared: readonly TrainingPrecision[],
  rounds: number,
): Promise<BatchRecord[]> {
  const shape = benchShape(downDims);
  const inputs = benchBatch(shape, batch);
  const candidates: { readonly precision: TrainingPrecision; readonly training: UNetTraining; readonly best: Record<Part, Timing> }[] = [];
  try {
    for (const precision of compared) {
      const options = { shape, batchSize: batch, schedule: SCHEDULE, predictionType: 'epsilon', ema: false, precision } as const;
      const training = await UNetTraining.create(on, options);
      candidates.push({ precision, training, best: {} as Record<Part, Timing> });
      writeBenchWeights(training);
      training.run(inputs, UPDATE);
      await training.metrics();
    }
    for (let round = 0; round < rounds; round++) {
      for (const part of Object.keys(PARTS) as Part[]) {
        for (const { training, best } of candidates) {
          const taken = await time(training, part);
          const before = best[part];
          best[part] = before
            ? { wallMs: Math.min(before.wallMs, taken.wallMs), processorMs: Math.min(before.processorMs, taken.processorMs) }
            : taken;
        }
      }
    }
    return candidates.map(({ precision, training, best }) => ({
      batch,
      precision,
      parts: best,
      products: 3 * batch * forwardProducts(shape, training.parameters),
      memory: training.memory,
    }));
  } finally {
    for (const { training } of candidates) training.dispose();
  }
}

async function time(training: UNetTraining, part: Part): Promise<Timing> {
  const { plan } = training;
  const { gpuDevice } = plan.device;
  const [started, before] = [performance.now(), process.cpuUsage()];
  const encoder = gpuDevice.createCommandEncoder();
  plan.encode(
    encoder,
    PARTS[part].map((segment) => ({ segment })),
  );
  gpuDevice.queue.submit([encoder.finish()]);
  await plan.device.settle(gpuDevice.queue.onSubmittedWorkDone());
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - started, processorMs: (user + system) / 1000 };
}

function report(records: readonly BatchRecord[]): void {
  const names = Object.keys(PARTS) as Part[];
  const header = [
    'batch',
    'weights',
    ...names.map((part) => `${part} ms`),
    ...names.map((part) => `${part} CPU ms`),
    'GMAC',
    'GMAC / CPU s',
    'MB',
  ];
  print(
    table(
      header,
      records.map(({ batch, precision, parts, products, memory }) => [
        String(batch),
        precision,
        ...names.map((part) => parts[part].wallMs.toFixed(0)),
        ...names.map((part) => parts[part].processorMs.toFixed(0)),
        (products / 1e9).toFixed(2),
        (products / 1e6 / (parts.forward.processorMs + parts.backward.processorMs)).toFixed(2),
        (Object.values(memory).reduce((sum, bytes) => sum + bytes, 0) / 1e6).toFixed(0),
      ]),
    ),
  );
}

await runScript('node dist/bench/training/main.js', USAGE, main);
