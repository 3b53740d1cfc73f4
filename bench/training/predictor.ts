#!/usr/bin/env node
/**
 * Times training steps of the STEP predictor by part: `node dist/bench/training/predictor.js --help`. The network of the recorded case
 * `train-predictor` (128 wide, 2 + 2 blocks), with dropout. Processor time is summed over all threads. The PyTorch side:
 * bench/training/torch_predictor.py.
 */
import { openDevice } from '../../src/platform/node/device.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { PredictorShape } from '../../src/spec/network-shapes.js';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import { atMost, given, integerListOption, integerOption } from '../../src/terminal/options.js';
import { print } from '../../src/terminal/output.js';
import { table } from '../../src/terminal/table.js';
import { predictorParameters } from '../../src/training/predictor/parameters.js';
import { PredictorTraining } from '../../src/training/predictor/predictor-training.js';
import type { PredictorBatch } from '../../src/training/training-step.js';
import { runScript } from '../../tools/script.js';
import { UPDATE } from './work.js';

const USAGE = `usage: node dist/bench/training/predictor.js [options]

Times training steps of the STEP predictor, by part.

  --batch LIST     windows per step (default 64)
  --rounds N       the best of them counts (default 5)
  --adapter NAME   auto, hardware, swiftshader, lavapipe, or part of an adapter's name`;

/** Parts of a step, by the segments that they are. */
const PARTS = {
  forward: ['forward'],
  backward: ['backward'],
  optimizer: ['result', 'update'],
  step: ['forward', 'backward', 'result', 'update'],
} as const;

const SHAPE: PredictorShape = {
  actionDim: 2,
  observationDim: 18,
  horizon: 16,
  observationSteps: 2,
  historySteps: 16,
  encoderLayers: 2,
  decoderLayers: 2,
  modelDim: 128,
  heads: 4,
  feedforwardDim: 256,
};

async function main(args: string[]): Promise<number> {
  const options = { batch: { type: 'string' }, adapter: { type: 'string' }, rounds: { type: 'string' } } as const;
  const { values, positionals } = parseCommandLine(args, options);
  atMost(positionals, 0);
  const batches = integerListOption('batch', values.batch, 1, 65_536) ?? [64];
  const rounds = integerOption('rounds', values.rounds, 1) ?? 5;
  const device = await openDevice({ profile: 'fast', ...given({ adapter: values.adapter }) });
  try {
    const rows: string[][] = [];
    for (const batch of batches) rows.push(await measure(device, batch, rounds));
    const names = Object.keys(PARTS);
    print(table(['batch', ...names.flatMap((part) => [`${part} ms`, 'CPU ms']), 'dispatches', 'MB'], rows));
    return 0;
  } finally {
    device.dispose();
  }
}

/** Values between −1 and 1; what they are changes no time. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 0.99);
}

async function measure(device: ComputeDevice, batch: number, rounds: number): Promise<string[]> {
  const training = await PredictorTraining.create(device, { shape: SHAPE, batchSize: batch, ema: false });
  try {
    const weights = predictorParameters(SHAPE).map(({ name, shape }): [string, Float32Array] => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, numbers(count).map((value) => value * 0.08)];
    });
    training.write('weights', new Map(weights));
    const inputs: PredictorBatch = {
      count: batch,
      previous: numbers(batch * SHAPE.horizon * SHAPE.actionDim),
      observation: numbers(batch * SHAPE.observationSteps * SHAPE.observationDim),
      target: numbers(batch * SHAPE.horizon * SHAPE.actionDim),
      dropout: { probability: 0.1, seed: 1, step: 1 },
    };
    training.run(inputs, UPDATE);
    await training.metrics();
    const best = new Map<string, readonly [wall: number, processor: number]>();
    for (let round = 0; round < rounds; round++) {
      for (const [part, segments] of Object.entries(PARTS)) {
        const taken = await time(training, segments);
        const before = best.get(part) ?? taken;
        best.set(part, [Math.min(before[0], taken[0]), Math.min(before[1], taken[1])]);
      }
    }
    const dispatches = PARTS.step.reduce((sum, segment) => sum + training.plan.dispatchCount(segment), 0);
    const bytes = Object.values(training.memory).reduce((sum, size) => sum + size, 0);
    const times = [...best.values()].flatMap(([wall, processor]) => [wall.toFixed(0), processor.toFixed(0)]);
    return [String(batch), ...times, String(dispatches), (bytes / 1e6).toFixed(0)];
  } finally {
    training.dispose();
  }
}

async function time({ plan }: PredictorTraining, segments: readonly string[]): Promise<readonly [number, number]> {
  const { gpuDevice } = plan.device;
  const [started, before] = [performance.now(), process.cpuUsage()];
  const encoder = gpuDevice.createCommandEncoder();
  plan.encode(
    encoder,
    segments.map((segment) => ({ segment })),
  );
  gpuDevice.queue.submit([encoder.finish()]);
  await plan.device.settle(gpuDevice.queue.onSubmittedWorkDone());
  const { user, system } = process.cpuUsage(before);
  return [performance.now() - started, (user + system) / 1000];
}

await runScript('node dist/bench/training/predictor.js', USAGE, main);
