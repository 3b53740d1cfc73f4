import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { listed } from '../../checkpoints/source.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import type { Decision, Policy } from '../../policy/policy.js';
import { PRECISION_CHOICES } from '../../policy/precision.js';
import { observationInfo } from '../../spec/policy-spec.js';
import { parseStrategy, STRATEGY_SPEC_HELP } from '../../strategies/parse.js';
import { needsPredictor } from '../../strategies/strategy.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { milliseconds, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, integerOption, profileOption, required, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { facts, table } from '../../terminal/table.js';
import { localFolders } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { checkStrategies, madeStrategy, noteUnused, readHeaders, readMethods, usualStrategy } from '../headers.js';
import { type LatencySummary, summarizeLatencies } from '../latency.js';
import { adapterName, networksFrom, withPolicy } from '../load.js';
import { localFolder } from '../local-folder.js';
import { outputFileOption } from '../output-options.js';
import { observationAt, type Recording, readRecording } from '../recording.js';

const USAGE = `usage: warmstep run --policy DIR --input FILE --output FILE [options]

Feeds recorded observations to a policy, tick by tick, and writes one action per tick.

  --policy DIR       checkpoint folder, or hf:OWNER/NAME[@REVISION][/FOLDER] on the Hugging Face Hub
  --input FILE       safetensors with the policy's observations: tensors [ticks, size], of images U8
                     [ticks, height, width, 3] or [ticks, 3, height, width], under the names of the features, or under
                     "ticks.input." and the name
  --output FILE      safetensors with the tensor "action" [ticks, action size], F32, in the units of the robot
  --predictor DIR    STEP predictor folder, or "shift" (the previous chunk moved by the executed rows): samples with STEP
  --network DIR      network of a method that the strategy needs, such as Consistency Policy's student; may be repeated
  --strategy SPEC    how decisions are sampled; see below. Default: STEP with a predictor, else the checkpoint's scheduler
  --seed N           seed of the noise (default 0): the same seed gives the same actions
  --precision P      storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P        safe (default), or fast: Dawn without validation and bounds checks; same results
  --json             one JSON object on standard output

${STRATEGY_SPEC_HELP}`;

/** Options of earlier versions, and what stands for them now. */
const MOVED = {
  solver: '--strategy ddim:10',
  steps: '--strategy ddim:10, or step:2',
  budget: '--strategy step:2',
  'warm-start': '--strategy step:2/start=eq13',
} as const;

const OPTIONS = {
  policy: { type: 'string' },
  predictor: { type: 'string' },
  network: { type: 'string', multiple: true },
  input: { type: 'string' },
  output: { type: 'string' },
  solver: { type: 'string' },
  steps: { type: 'string' },
  budget: { type: 'string' },
  'warm-start': { type: 'string' },
  strategy: { type: 'string' },
  seed: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const runCommand: Command = {
  name: 'run',
  summary: 'Turn recorded observations into actions.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    atMost(positionals, 0);
    for (const name of Object.keys(MOVED) as (keyof typeof MOVED)[]) {
      if (values[name] !== undefined) throw new UsageError(`--${name} is no option any more: write e.g. ${MOVED[name]}`);
    }
    const chosen = values.strategy === undefined ? undefined : parseStrategy(values.strategy);
    const named = required('policy', values.policy);
    const input = required('input', values.input);
    const output = required('output', values.output);
    const precision = choiceOption('precision', values.precision, PRECISION_CHOICES);
    const seed = integerOption('seed', values.seed) ?? 0;
    const profile = profileOption(values.profile);
    await outputFileOption('output', output, [input, named, values.predictor, ...(values.network ?? [])]);

    const folder = await localFolder(named);
    // Headers first: a missing observation is reported before a gigabyte of weights has been read.
    const checkpoint = await readHeaders(folder);
    const strategy = chosen ?? usualStrategy(checkpoint, values.predictor);
    const folders = await localFolders(values.network);
    const methods = await readMethods(folders);
    // One that nothing reads is not even loaded from the Hub.
    const isUsed = needsPredictor(madeStrategy(checkpoint, strategy, methods));
    const predictor = isUsed && values.predictor !== undefined ? await localFolder(values.predictor) : undefined;
    const needed = await checkStrategies(checkpoint, predictor, [strategy], methods);
    const recording = await readRecording(input, observationInfo(checkpoint.observations));
    if (recording.ignored.length > 0) printNote(`${input}: the policy does not read ${listed(recording.ignored)}.`);
    noteUnused([strategy], needed, { predictor: values.predictor, methods });

    return interruptible(async (signal) => {
      const decisions: Decision[] = [];
      const options = {
        seed,
        strategy: strategy.options,
        signal,
        onDecision: (result: Decision) => void decisions.push(result),
        ...given({ precision, networks: networksFrom(predictor, folders), adapter: values.adapter, profile }),
      };
      return withPolicy(folder, options, async (policy) => {
        const actions = await replay(policy, recording, signal);
        const data = Float32Array.from(actions.flatMap((action) => [...action]));
        const shape = [recording.ticks, policy.info.actionDim];
        await writeOutputFile(output, encodeSafetensors([{ name: 'action', dtype: 'F32', shape, data }]));
        report(policy, recording, decisions, { output, seed, json: values.json ?? false });
        return 0;
      });
    });
  },
};

async function replay(policy: Policy, recording: Recording, signal: AbortSignal): Promise<Float32Array[]> {
  const progress = new Progress();
  const actions: Float32Array[] = [];
  for (let tick = 0; tick < recording.ticks; tick++) {
    signal.throwIfAborted();
    actions.push(await policy.act(observationAt(recording, tick)));
    progress.update(`tick ${tick + 1} of ${recording.ticks}`);
  }
  progress.done();
  return actions;
}

function report(
  policy: Policy,
  recording: Recording,
  decisions: readonly Decision[],
  { output, seed, json }: { output: string; seed: number; json: boolean },
): void {
  const { info } = policy;
  // The first decision of an episode runs more evaluations than the others: together they would hide each other.
  const latency = (warm: boolean): LatencySummary | undefined =>
    summarizeLatencies(decisions.filter((decision) => decision.warm === warm).map(({ latencyMs }) => latencyMs));
  const latencies = { warm: latency(true), cold: latency(false) };
  if (json) {
    printJson({
      policy: info.name,
      adapter: info.adapter,
      strategy: info.strategy,
      precision: info.precision,
      seed,
      ticks: recording.ticks,
      decisions: decisions.length,
      evaluations: decisions.map(({ timesteps }) => timesteps.length),
      latencyMs: given(latencies),
      output,
      ignored: recording.ignored,
      warnings: info.warnings,
    });
    return;
  }
  for (const warning of info.warnings) printNote(warning);
  print(
    facts([
      ['policy', `${info.name}, ${info.precision} weights`],
      ['adapter', adapterName(info)],
      ['strategy', `${info.strategy}, seed ${seed}`],
      ['written', `${output}: action [${recording.ticks}, ${info.actionDim}] from ${plural(decisions.length, 'decision')}`],
    ]),
  );
  const rows = Object.entries(latencies).flatMap(([name, summary]) =>
    summary ? [[name, String(summary.count), milliseconds(summary.p50), milliseconds(summary.p95), milliseconds(summary.p99)]] : [],
  );
  print(`\n${table(['decisions', 'number', 'p50', 'p95', 'p99'], rows)}`);
}
