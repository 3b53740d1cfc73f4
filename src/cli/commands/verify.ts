import { basename, dirname, join, resolve } from 'node:path';
import { WarmstepError } from '../../foundation/errors.js';
import { visible } from '../../foundation/visible.js';
import { caseFolder } from '../../platform/node/case-folder.js';
import { folderSource } from '../../platform/node/folder-source.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { PRECISION_CHOICES, type PrecisionChoice } from '../../policy/precision.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { choiceOption, profileOption, UsageError } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { table } from '../../terminal/table.js';
import type { CaseReport } from '../../verification/case-report.js';
import type { TensorReport } from '../../verification/compare.js';
import { verifyTraces } from '../../verification/traces/verify-traces.js';
import { verifyCase } from '../../verification/verify-case.js';
import type { Command } from '../command.js';
import { showLoading, withDevice } from '../load.js';
import { outputFolderOption } from '../output-options.js';

const USAGE = `usage: warmstep verify CASE_DIR… [options]

Runs recorded cases and compares every tensor with the reference: a folder with case.json, case.safetensors,
policy/ and, for STEP and CVAEs, predictor/; of a method with a network of its own, network/. Inner values are probed
from the plan that act() replays. Losses of a method that are recorded beside its case (losses.json), and the norms of their
gradients, are computed by the step that trains it. Training cases (kind train-… in case.json) run every recorded run step
by step, always in f32: losses, gradients, norms, changes of weights and moving average.
In the place of a case a file
(scheduler-traces.json) has recorded runs of diffusers' schedulers: each goes through the solver step that act() replays;
configurations that the solvers do not have are named below the table and do not count.
Exit code 1 when a tensor is out of tolerance or a case is refused. Tolerances belong to a precision: those of int8 are wide
(0.1 of the largest value, 0.2 in episodes of STEP) and say that it computes, not that a robot succeeds with it.

  --precision P    storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME   auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P      safe (default), or fast: Dawn without validation and bounds checks; same results
  --dump DIR       write what was computed to DIR/<case name>.safetensors
  --json           one JSON object on standard output`;

interface RefusedCase {
  readonly name: string;
  readonly refused: string;
}

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'Compare the engine with recorded cases, tensor by tensor.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, {
      precision: { type: 'string' },
      adapter: { type: 'string' },
      profile: { type: 'string' },
      dump: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length === 0) throw new UsageError('the case folder is missing');
    const precision = choiceOption('precision', values.precision, PRECISION_CHOICES) ?? 'f32';
    const profile = profileOption(values.profile);
    const dump = values.dump === undefined ? undefined : await outputFolderOption('dump', values.dump);
    const names = positionals.map((folder) => basename(resolve(folder)));
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (dump !== undefined && twice !== undefined) throw new UsageError(`--dump: two cases are named "${twice}": verify them one by one`);
    return withDevice({ adapter: values.adapter, profile }, async (device) => {
      const reports: (CaseReport | RefusedCase)[] = [];
      for (const folder of positionals) {
        const report = await verifyFolder(folder, device, precision);
        if (dump !== undefined && 'dump' in report) await writeOutputFile(join(dump, `${basename(report.name)}.safetensors`), report.dump);
        reports.push(report);
        if (!values.json) printReport(report);
      }
      const failed = reports.filter((report) => 'refused' in report || !report.pass).length;
      if (values.json) printReports(reports, device, precision);
      else print(`${reports.length - failed} of ${reports.length} cases pass (${device.adapter.description}, ${precision}).`);
      return failed === 0 ? 0 : 1;
    });
  },
};

async function verifyFolder(folder: string, device: ComputeDevice, precision: PrecisionChoice): Promise<CaseReport | RefusedCase> {
  try {
    if (folder.endsWith('.json')) return await verifyTraces(await folderSource(dirname(resolve(folder))), basename(folder), device);
    const progress = new Progress();
    return await verifyCase(await caseFolder(folder), device, precision, showLoading(progress)).finally(() => progress.done());
  } catch (error) {
    if (!(error instanceof WarmstepError)) throw error;
    return { name: basename(resolve(folder)), refused: error.message };
  }
}

function printReport(report: CaseReport | RefusedCase): void {
  if ('refused' in report) {
    print(`${visible(report.name)}: REFUSED: ${visible(report.refused)}\n`);
    return;
  }
  print(`${visible(report.name)}: ${report.pass ? 'pass' : 'FAIL'} (${report.precision} weights)`);
  const header = ['tensor', 'shape', 'largest error', '/ max', 'tolerance', ''];
  print(`${table(header, report.tensors.map(row))}\n`);
  for (const what of report.leftOut ?? []) print(`left out: ${visible(what)}\n`);
}

function row(tensor: TensorReport): string[] {
  const { name, shape, error, scale, tolerance, pass } = tensor;
  return [
    name,
    shape.join('×'),
    error.toExponential(2),
    (error / (scale || 1)).toExponential(2),
    tolerance.toExponential(0),
    pass ? 'ok' : 'FAIL',
  ];
}

function printReports(reports: readonly (CaseReport | RefusedCase)[], device: ComputeDevice, precision: PrecisionChoice): void {
  const cases = reports.map((report) => {
    if ('refused' in report) return { ...report, pass: false };
    const { name, precision: taken, pass, tensors, leftOut } = report;
    return { name, precision: taken, pass, tensors, ...(leftOut ? { leftOut } : {}) };
  });
  printJson({ adapter: device.adapter, precision, pass: cases.every(({ pass }) => pass), cases });
}
