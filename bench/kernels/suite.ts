import { describeEnvironment } from '../../src/platform/node/environment.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import { Progress } from '../../src/terminal/progress.js';
import { Arena } from './arena.js';
import { type Case, collectCases } from './cases.js';
import { measureDecision } from './decision.js';
import { recordSyntheticEncoder } from './encoder.js';
import { measureCase } from './measure-case.js';
import { type DecisionChoice, type RecordedDecision, recordSynthetic } from './network.js';
import { measureOverheads } from './overheads.js';
import { type CaseRecord, type PrecisionRecord, SUITE_FORMAT, type SuiteRecord } from './record.js';
import { measureStream } from './stream.js';
import { timeCases } from './timestamps.js';

export interface SuiteOptions extends Omit<DecisionChoice, 'precision'> {
  readonly precisions: readonly Precision[];
  /** Words that a case must contain, all of them; none: all cases, and the decision as a whole. */
  readonly filter: string;
  /** Per case; the decision as a whole takes ten times as long. */
  readonly seconds: number;
  /** Time dispatches inside whole decisions with timestamps, instead of one by one; the device was opened for it. */
  readonly timestamps: boolean;
  /** Bytes of the memory that stands for weights; default by the class of the device. */
  readonly arenaBytes?: number;
}

/** Runs the suite on an open device. */
export async function runSuite(device: ComputeDevice, options: SuiteOptions): Promise<SuiteRecord> {
  // First of all: the suite's own work would be in the load average afterwards.
  const environment = describeEnvironment();
  const { size, batch, horizon, steps, picture, filter, seconds, timestamps } = options;
  const progress = new Progress();
  const arena = new Arena(device, options.arenaBytes);
  try {
    progress.update('stream kernels');
    const stream = await measureStream(device, arena, seconds / 2);
    progress.update('overheads');
    const overheads = filter === '' && !timestamps ? await measureOverheads(device, seconds) : [];
    const precisions: PrecisionRecord[] = [];
    for (const precision of options.precisions) {
      precisions.push(await measurePrecision(device, arena, { size, precision, batch, horizon, steps, picture }, options, progress));
    }
    const { adapter, deviceClass } = device;
    return {
      format: SUITE_FORMAT,
      environment,
      adapter,
      deviceClass,
      profile: device.profile,
      clock: timestamps ? 'gpu' : 'host',
      size,
      batch,
      horizon,
      steps,
      ...(picture ? { picture } : {}),
      filter,
      stream,
      overheads,
      precisions,
    };
  } finally {
    progress.done();
    await arena.destroy();
  }
}

async function measurePrecision(
  device: ComputeDevice,
  arena: Arena,
  choice: DecisionChoice,
  options: SuiteOptions,
  progress: Progress,
): Promise<PrecisionRecord> {
  progress.update(`${choice.precision}: recording`);
  const { picture } = choice;
  const decision = await (picture ? recordSyntheticEncoder(device, { ...choice, picture }) : recordSynthetic(device, choice));
  try {
    const all = collectCases(decision);
    const chosen = all.filter((found) => matches(found, options.filter));
    const total = (value: (found: Case) => number): number => all.reduce((sum, found) => sum + value(found) * found.perDecision, 0);
    return {
      precision: choice.precision,
      dispatches: total(() => 1),
      bytes: total(({ bytes }) => bytes),
      macs: total(({ macs }) => macs),
      ...(options.timestamps
        ? await timeCases(device, decision, chosen, 10 * options.seconds)
        : await measureOneByOne(device, arena, decision, chosen, options, progress)),
    };
  } finally {
    decision.destroy();
  }
}

async function measureOneByOne(
  device: ComputeDevice,
  arena: Arena,
  recorded: RecordedDecision,
  chosen: readonly Case[],
  options: SuiteOptions,
  progress: Progress,
): Promise<Pick<PrecisionRecord, 'decision' | 'cases'>> {
  const { filter, seconds } = options;
  const { precision } = recorded.choice;
  progress.update(`${precision}: decision`);
  const decision = filter === '' ? await measureDecision(device, recorded, 10 * seconds) : null;
  const cases: CaseRecord[] = [];
  for (const found of chosen) {
    progress.update(`${precision}: case ${cases.length + 1} of ${chosen.length}`);
    cases.push(await measureCase(device, arena, found, recorded.builder.shapes, seconds));
  }
  return { decision, cases };
}

function matches({ id, kernel, shape, segment, layers }: Case, filter: string): boolean {
  const text = [id, kernel, shape, segment, ...layers].join(' ');
  return filter.split(/\s+/).every((word) => text.includes(word));
}
