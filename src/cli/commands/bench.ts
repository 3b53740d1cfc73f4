import { join } from 'node:path';
import { visible, visibleJson } from '../../foundation/visible.js';
import { describeEnvironment, type Environment } from '../../platform/node/environment.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import { PRECISION_CHOICES } from '../../policy/precision.js';
import type { AdapterSummary } from '../../runtime/device.js';
import { SYNTHETIC_SIZES } from '../../synthetic/checkpoint.js';
import { checkWithout, parseCommandLine } from '../../terminal/command-line.js';
import { bytes, count, milliseconds, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, integerListOption, integerOption, profileOption, UsageError } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { facts, table } from '../../terminal/table.js';
import { type CurvePoint, measureCurves } from '../bench/curves.js';
import { type BenchMeasurement, measureSynthetic } from '../bench/measure.js';
import { measurePictures, type PicturePoint, type PicturesOptions } from '../bench/pictures.js';
import { writeSyntheticCheckpoint } from '../bench/write-checkpoint.js';
import type { Command } from '../command.js';
import { adapterName, withDevice } from '../load.js';
import { outputFileOption, outputFolderOption } from '../output-options.js';
import { sidesOption } from '../picture-option.js';
import { refusePrecious } from '../precious.js';

const USAGE = `usage: warmstep bench [options]

Measures decisions of STEP with two U-Net evaluations on a policy with random weights, which are made while it is
loaded: nothing is downloaded, and nothing is written unless it is asked for.

  --size SIZE             large (249,074,826 parameters), small (65,883,658) or tiny (default large)
  --decisions N           decisions back to back, and again at 10 Hz (default: what fits into 20 s each, at most 100);
                          no more for each batch and horizon either
  --batch LIST            also warm decisions of these batch sizes, e.g. 1,4,16,64
  --horizon LIST          also of these horizons, multiples of 8 from 16, e.g. 16,64 (each loads a policy)
  --pictures LIST         measure a policy that looks through cameras instead, e.g. 84x84,240x320: observe() alone, decisions with
                          and without it, and those of the same U-Net without cameras
  --cameras LIST          numbers of cameras (default 1,2)
  --norm NORM             of its image encoder, a ResNet-18: batch (default) or group
  --precision P           storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME          auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P             safe (default), or fast: Dawn without validation and bounds checks; same results
  --output FILE           write the record as JSON
  --json                  print the record as JSON
  --write-checkpoint DIR  measure nothing; write the policy to DIR/policy (large: 996 MB), its predictor to DIR/predictor,
                          and observations for \`warmstep run\``;

const OPTIONS = {
  size: { type: 'string' },
  decisions: { type: 'string' },
  batch: { type: 'string' },
  horizon: { type: 'string' },
  pictures: { type: 'string' },
  cameras: { type: 'string' },
  norm: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
  'write-checkpoint': { type: 'string' },
} as const;

/** Options of what is measured. */
const MEASURED = ['decisions', 'batch', 'horizon', 'pictures', 'precision', 'adapter', 'profile', 'output'] as const;

/** What `warmup` takes, and what a configuration may say. */
const MOST_BATCH = 65_535;
const MOST_HORIZON = 65_536;
const MOST_CAMERAS = 16;

/** A measurement with everything that is needed to read it later. */
type BenchRecord = BenchMeasurement & {
  readonly curves: readonly CurvePoint[];
  readonly adapter: AdapterSummary;
  readonly environment: Environment;
};

export const benchCommand: Command = {
  name: 'bench',
  summary: 'Measure a synthetic policy of full size: latency, load time, memory.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, { cameras: ['pictures'], norm: ['pictures'] });
    atMost(positionals, 0);
    const size = choiceOption('size', values.size, SYNTHETIC_SIZES) ?? 'large';
    const precision = choiceOption('precision', values.precision, PRECISION_CHOICES) ?? 'f32';
    const decisions = integerOption('decisions', values.decisions, 1);
    const profile = profileOption(values.profile);
    const batches = integerListOption('batch', values.batch, 1, MOST_BATCH);
    const horizons = integerListOption('horizon', values.horizon, 16, MOST_HORIZON);
    if (horizons?.some((horizon) => horizon % 8 !== 0)) throw new UsageError(`--horizon must be multiples of 8, found ${values.horizon}`);
    const seen = picturesOptions(values);
    if (seen) checkWithout<typeof OPTIONS>(values, ['batch', 'horizon'], '--pictures is a measurement of its own');
    const output = await outputFileOption('output', values.output);
    const folder = values['write-checkpoint'];
    if (folder !== undefined) {
      checkWithout<typeof OPTIONS>(values, MEASURED, '--write-checkpoint measures nothing');
      for (const part of ['policy', 'predictor']) refusePrecious('write-checkpoint', join(folder, part));
      await outputFolderOption('write-checkpoint', folder);
    }
    return interruptible(async (signal) => {
      if (folder !== undefined) {
        const written = await writeSyntheticCheckpoint(size, folder, signal);
        if (values.json) printJson(written);
        else {
          print(
            `${bytes(written.bytes)} written. Try:\n  warmstep run --policy ${visible(written.policy)} --predictor ${visible(written.predictor)} ` +
              `--input ${visible(written.observations)} --output actions.safetensors`,
          );
        }
        return 0;
      }
      return withDevice({ adapter: values.adapter, profile }, async (device) => {
        // Before the measurement, whose own work would be in the load average afterwards.
        const environment = describeEnvironment();
        if (seen) {
          const points = await measurePictures(device, { ...seen, size, precision, decisions, signal });
          const record = { size, precision, points, adapter: device.adapter, environment };
          if (output !== undefined) await writeOutputFile(output, `${visibleJson(record, 2)}\n`);
          if (values.json) printJson(record);
          else print(`${adapterName(device)}, load ${environment.loadAverage.join(' ')}\n\n${picturesTable(points)}`);
          return 0;
        }
        const measurement = await measureSynthetic(device, { size, decisions, precision, signal });
        const curves =
          batches || horizons
            ? await measureCurves(device, { size, precision, decisions, batches: batches ?? [1], horizons: horizons ?? [16], signal })
            : [];
        const record = { ...measurement, curves, adapter: device.adapter, environment };
        if (output !== undefined) await writeOutputFile(output, `${visibleJson(record, 2)}\n`);
        if (values.json) printJson(record);
        else print(report(record));
        return 0;
      });
    });
  },
};

/** What `--pictures` and what belongs to it say; undefined where it was not given. */
function picturesOptions(values: {
  readonly pictures?: string | undefined;
  readonly cameras?: string | undefined;
  readonly norm?: string | undefined;
}): Pick<PicturesOptions, 'pictures' | 'cameras' | 'norm'> | undefined {
  const cameras = integerListOption('cameras', values.cameras, 1, MOST_CAMERAS) ?? [1, 2];
  const norm = choiceOption('norm', values.norm, ['batch', 'group']) ?? 'batch';
  if (values.pictures === undefined) return undefined;
  return { pictures: values.pictures.split(',').map((text) => sidesOption('pictures', text.trim())), cameras, norm };
}

function picturesTable(points: readonly PicturePoint[]): string {
  return table(
    [
      'pictures',
      'cameras',
      'rounds',
      'observe',
      'decision after it',
      'without it',
      'no cameras',
      'after it / no cameras',
      'encoder on the device',
    ],
    points.map((point) => [
      `${point.height}×${point.width}`,
      String(point.cameras),
      String(point.rounds),
      ...[point.observeMs, point.observedMs, point.unobservedMs, point.stateMs].map(milliseconds),
      (point.observedMs / point.stateMs).toFixed(3),
      bytes(point.encoderBytes),
    ]),
  );
}

function report(record: BenchRecord): string {
  const { environment, latencyMs, coldStart, hostPath, memory, curves } = record;
  const row = (name: string, { count: number, p50, p95, p99 }: (typeof latencyMs)['cold']): string[] => [
    name,
    String(number),
    milliseconds(p50),
    milliseconds(p95),
    milliseconds(p99),
  ];
  return [
    facts([
      ['policy', `synthetic ${record.size}: ${count(record.parameters)} parameters, ${record.precision} weights`],
      ['decision', `${record.evaluationsPerDecision} U-Net evaluations, ${record.dispatchesPerDecision ?? 'unknown'} dispatches`],
      ['adapter', adapterName(record)],
      ['machine', `${environment.cpus} × ${environment.cpu}, ${environment.platform}, load ${environment.loadAverage.join(' ')}`],
      [
        'software',
        `node ${environment.node}, webgpu ${environment.webgpu}, warmstep ${environment.warmstep}` +
          (environment.commit === undefined ? '' : ` at ${environment.commit.replace(/^(.{12})[^-]*/, '$1')}`),
      ],
      ['date', environment.date],
    ]),
    table(
      ['latency', 'decisions', 'p50', 'p95', 'p99'],
      [
        row('back to back', latencyMs.backToBack),
        row('paced at 10 Hz', latencyMs.paced),
        row(`cold (${record.coldEvaluations} evaluations)`, latencyMs.cold),
      ],
    ),
    facts([
      [
        'memory',
        `peak ${bytes(memory.residentPeak)} resident, ${memory.peakPerModelByte.toFixed(2)} × the model's ` +
          `${bytes(memory.modelBytes)}; ` +
          `${bytes(memory.deviceBytes)} on the device`,
      ],
    ]),
    facts([
      [
        'event loop',
        `a timer of 1 ms waited at most ${milliseconds(record.timerGapMs.deciding)} while the policy decided, ` +
          `${milliseconds(record.timerGapMs.loading)} while it was loaded`,
      ],
    ]),
    table(
      ['from loadPolicy to the first action', 'time'],
      [
        ['ready', milliseconds(coldStart.readyMs)],
        ['  config, statistics, tensor names', milliseconds(coldStart.checkpointMs)],
        ['  weights read (here: made)', milliseconds(coldStart.readMs)],
        ['  weights packed, and the rest', milliseconds(coldStart.otherMs)],
        ['  buffers created', milliseconds(coldStart.buffersMs)],
        ['  upload', milliseconds(coldStart.uploadMs)],
        [`  ${plural(coldStart.pipelines, 'kernel')} compiled`, milliseconds(coldStart.compileMs)],
        ['  warm-up, on zeros', milliseconds(coldStart.rehearseMs)],
        ['first action', milliseconds(coldStart.firstActionMs)],
      ],
    ),
    table(
      [`host, median of ${plural(hostPath.decisions, 'warm decision')}`, 'time'],
      [
        ['noise, staging', milliseconds(hostPath.prepareMs)],
        [`upload of ${bytes(hostPath.uploadBytes)}`, milliseconds(hostPath.uploadMs)],
        ['submit', milliseconds(hostPath.submitMs)],
        ['wait for the device', milliseconds(hostPath.waitMs)],
        [`read-back of ${bytes(hostPath.readBackBytes)}`, milliseconds(hostPath.readBackMs)],
        ['afterwards: commands of the next decision', milliseconds(hostPath.encodeAheadMs)],
        [`allocated: ${bytes(hostPath.garbageBytes)}`, ''],
      ],
    ),
    ...(curves.length === 0
      ? []
      : [
          table(
            ['horizon', 'batch', 'decisions', 'p50', 'per sample', 'evaluations/s'],
            curves.map(({ horizon, batch, decisions, p50Ms, perSampleMs, evaluationsPerSecond }) => [
              String(horizon),
              String(batch),
              String(decisions),
              ...[p50Ms, perSampleMs].map((ms) => (ms === null ? '–' : milliseconds(ms))),
              evaluationsPerSecond === null ? '–' : evaluationsPerSecond.toFixed(2),
            ]),
          ),
        ]),
  ].join('\n\n');
}
