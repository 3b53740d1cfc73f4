import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { OptionError } from '../../foundation/errors.js';
import { checkText } from '../../foundation/options.js';
import { ofFile, SetupError } from '../../foundation/setup-error.js';
import { shownValue } from '../../foundation/shown.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import type { Policy } from '../../policy/policy.js';
import { PRECISION_CHOICES, type PrecisionChoice } from '../../policy/precision.js';
import { RecordingError } from '../../recording/error.js';
import { plotRecording } from '../../recording/plot.js';
import { readLoopRecording } from '../../recording/read.js';
import type { LoopRecording } from '../../recording/recording.js';
import { type RepeatedDecision, replayDecisions } from '../../recording/replay.js';
import { createStrategy, strategyNamed } from '../../strategies/index.js';
import { parseStrategy, STRATEGY_SPEC_HELP } from '../../strategies/parse.js';
import { needsPredictor, type Strategy, type StrategyContext, strategyContext } from '../../strategies/strategy.js';
import type { NamedStrategy, StrategyOptions } from '../../strategies/strategy-options.js';
import { type Needs, parseCommandLine } from '../../terminal/command-line.js';
import { milliseconds, plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { choiceOption, given, profileOption, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { facts } from '../../terminal/table.js';
import { localFolders } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { checkStrategies, madeStrategy, noteUnused, readHeaders, readMethods } from '../headers.js';
import { summarizeLatencies } from '../latency.js';
import { adapterName, networksFrom, withPolicy } from '../load.js';
import { localFolder } from '../local-folder.js';
import { outputFileOption } from '../output-options.js';

const USAGE = `usage: warmstep replay FILE [--policy DIR] [--plot FILE] [options]

Reads a recording of a control loop (recordLoop of warmstep/recording, an MCAP file) and says what is in it. With --policy, makes
every decision again, from what it depended on, and compares the bits: exit code 1 where they differ.

  --policy DIR       the checkpoint folder that was recorded, or hf:OWNER/NAME[@REVISION][/FOLDER]
  --predictor DIR    its STEP predictor, or "shift"
  --network DIR      network of its method; may be repeated
  --plot FILE        an SVG picture: observations, actions, chunk borders, latencies, stalls
  --strategy SPEC    in place of the recorded one; see below
  --precision P      in place of the recorded one: f32, f16, int8 or auto
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P        safe (default), or fast: Dawn without validation and bounds checks; same results
  --json             for programs

Bits are those of an adapter: repeat on the one that recorded.

${STRATEGY_SPEC_HELP}`;

const OPTIONS = {
  policy: { type: 'string' },
  predictor: { type: 'string' },
  network: { type: 'string', multiple: true },
  plot: { type: 'string' },
  strategy: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** How decisions are repeated; without a policy none is. */
const NEEDS: Needs<typeof OPTIONS> = {
  predictor: ['policy'],
  network: ['policy'],
  strategy: ['policy'],
  precision: ['policy'],
  adapter: ['policy'],
  profile: ['policy'],
};

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Repeat the decisions of a recorded control loop bit by bit, and draw it.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, NEEDS);
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0) throw new UsageError(`expected one FILE, found ${positionals.length}`);
    const profile = profileOption(values.profile);
    const precision = choiceOption('precision', values.precision, PRECISION_CHOICES);
    const strategy = values.strategy === undefined ? undefined : parseStrategy(values.strategy);
    await outputFileOption('plot', values.plot, [path, values.policy, values.predictor, ...(values.network ?? [])]);
    if ((await stat(path)).isDirectory()) throw new SetupError(`"${path}" is a folder: give the file that recordLoop wrote.`);
    const pieces = createReadStream(path);
    // Who reads it comes later than the news that it cannot be opened.
    await once(pieces, 'open');
    const recording = await readLoopRecording(pieces);
    if (values.plot !== undefined) await writeOutputFile(values.plot, await ofFile(() => plotRecording(recording), path));
    if (values.policy === undefined) {
      if (values.json) printJson(described(recording));
      else describe(recording);
      return 0;
    }
    const folder = await localFolder(values.policy);
    const predictor = values.predictor === undefined ? undefined : await localFolder(values.predictor);
    const chosen = strategy ?? recordedStrategy(recording);
    const methods = await localFolders(values.network);
    await checkStrategy(folder, { chosen, isRecorded: strategy === undefined }, predictor, methods);
    return interruptible((signal) => {
      const options = {
        signal,
        strategy: chosen.options,
        precision: precision ?? recordedPrecision(recording),
        ...given({ networks: networksFrom(predictor, methods), adapter: values.adapter, profile }),
      };
      return withPolicy(folder, options, async (policy) =>
        report(recording, policy, await repeat(recording, policy, signal), values.json ?? false),
      );
    });
  },
};

/** @throws UsageError where it says none, RecordingError where that is damaged. */
function recordedStrategy({ metadata }: LoopRecording): NamedStrategy {
  const text = metadata.get('strategyOptions');
  if (text === undefined)
    throw new UsageError('the recording does not say its strategy, because its source was no policy: give --strategy');
  try {
    const options = JSON.parse(text) as StrategyOptions;
    return { name: checkText('recording', 'name of the strategy', (options as Partial<StrategyOptions> | null)?.name), options };
  } catch (error) {
    throw damagedStrategy(error as Error);
  }
}

/**
 * Makes the strategy that a recording names, whose options nobody wrote on a command line. @throws RecordingError for options that are wrong by themselves; OptionError
 * for networks, which the command line gives, that are missing or do not go together with them.
 */
function madeRecorded({ options }: NamedStrategy, context: StrategyContext): Strategy {
  const definition = strategyNamed(options.name);
  try {
    if (definition === undefined) throw new OptionError(`there is no strategy ${shownValue(options.name)}`);
    definition.check(options, context);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw damagedStrategy(error);
  }
  return createStrategy(options, context);
}

function damagedStrategy(cause: Error): RecordingError {
  return new RecordingError(`"strategyOptions" of the recording is damaged (${cause.message}): give --strategy, as it was recorded with`, {
    cause,
  });
}

/** @throws RecordingError where it says one that there is not. */
function recordedPrecision({ metadata }: LoopRecording): PrecisionChoice {
  const text = metadata.get('precision') ?? 'f32';
  const found = PRECISION_CHOICES.find((choice) => choice === text);
  if (found === undefined)
    throw new RecordingError(
      `"precision" of the recording must be one of ${PRECISION_CHOICES.join(', ')}, found "${text}": give --precision, as it was recorded with`,
    );
  return found;
}

/** Before weights are read. */
async function checkStrategy(
  folder: string,
  { chosen, isRecorded }: { readonly chosen: NamedStrategy; readonly isRecorded: boolean },
  predictor: string | undefined,
  folders: readonly string[],
): Promise<void> {
  const checkpoint = await readHeaders(folder);
  const methods = await readMethods(folders);
  const made = isRecorded ? madeRecorded(chosen, strategyContext(checkpoint, methods)) : madeStrategy(checkpoint, chosen, methods);
  if (needsPredictor(made) && predictor === undefined)
    throw new UsageError(`it was recorded with ${made.description}: give --predictor as well`);
  const needed = await checkStrategies(checkpoint, predictor, [chosen], methods);
  noteUnused([chosen], needed, { predictor, methods });
  if (made.needsOnlyChunks) return;
  throw new OptionError(`${made.description} remembers more than chunks: its decisions cannot be repeated one by one from a recording.`);
}

async function repeat(recording: LoopRecording, policy: Policy, signal: AbortSignal): Promise<RepeatedDecision[]> {
  const progress = new Progress();
  const repeated: RepeatedDecision[] = [];
  try {
    for await (const decision of replayDecisions(recording, policy)) {
      signal.throwIfAborted();
      repeated.push(decision);
      progress.update(`decision ${repeated.length} of ${recording.decisions.length}`);
    }
  } finally {
    progress.done();
  }
  return repeated;
}

/** What is in a recording, for programs. */
function described({ metadata, observations, actions, decisions, dropped, cut, log }: LoopRecording): object {
  const latency = summarizeLatencies(decisions.map(({ latencyMs }) => latencyMs));
  return {
    metadata: Object.fromEntries(metadata),
    observations: observations.length,
    ticks: actions.length,
    lateTicks: actions.filter(({ late }) => late).length,
    decisions: decisions.length,
    stalled: decisions.filter(({ stalled }) => stalled).length,
    ...given({ latencyMs: latency }),
    log: log.length,
    dropped,
    cut: cut ?? null,
  };
}

/** The same for people. */
function describe({ metadata, observations, actions, decisions, dropped, cut, log }: LoopRecording): void {
  const latency = summarizeLatencies(decisions.map(({ latencyMs }) => latencyMs));
  const late = actions.filter((action) => action.late).length;
  const stalled = decisions.filter((decision) => decision.stalled).length;
  const lost = Object.entries(dropped).map(([topic, count]) => `${count} of ${topic}`);
  print(
    facts([
      ['policy', `${metadata.get('policy') ?? 'not said'}, ${metadata.get('precision') ?? 'precision not said'}`],
      ['strategy', `${metadata.get('strategy') ?? 'not said'}, seed ${metadata.get('seed') ?? 'not said'}`],
      ['recorded', `${metadata.get('recordedAt') ?? 'at no known time'} by warmstep ${metadata.get('warmstep') ?? ''}`],
      [
        'messages',
        `${plural(observations.length, 'observation')}, ${plural(actions.length, 'tick')} (${late} late), ${plural(log.length, 'line')} of log`,
      ],
      [
        'decisions',
        `${decisions.length}, ${stalled} stalled${latency ? `, p50 ${milliseconds(latency.p50)}, p99 ${milliseconds(latency.p99)}` : ''}`,
      ],
      ['dropped', lost.length === 0 ? 'nothing' : lost.join(', ')],
      ['end', cut ?? 'whole'],
    ]),
  );
}

function report(recording: LoopRecording, policy: Policy, repeated: readonly RepeatedDecision[], json: boolean): number {
  const { metadata } = recording;
  const { info } = policy;
  const notes: string[] = [];
  if (metadata.get('fingerprint') !== info.fingerprint) notes.push('the checkpoint or its predictor is not the one that was recorded');
  const adapter = JSON.stringify(info.adapter);
  if (metadata.get('adapter') !== adapter)
    notes.push(`it was recorded on another adapter, or with another profile, than ${adapterName(info)}: last bits may differ`);
  const different = repeated.flatMap((one) => (one.outcome === 'different' ? [one] : []));
  const left = repeated.flatMap((one) => (one.outcome === 'not repeatable' ? [one] : []));
  const same = repeated.length - different.length - left.length;
  const [first] = different;
  const isRight = different.length === 0 && same > 0;
  if (json) {
    const shown = first && { tick: first.recorded.tick, noiseKey: first.recorded.noiseKey, ...first.difference };
    printJson({
      ...described(recording),
      repeated: { same, different: different.length, notRepeatable: left.map(({ recorded, why }) => ({ tick: recorded.tick, why })) },
      firstDifference: shown ?? null,
      notes,
    });
    return isRight ? 0 : 1;
  }
  describe(recording);
  for (const note of notes) printNote(note);
  print(
    `\n${plural(repeated.length, 'decision')}: ${same} with the same bits, ${different.length} different, ${left.length} not repeatable`,
  );
  if (first) {
    const { row, dimension, recorded, repeated: again, values } = first.difference;
    print(
      `first difference: decision ${repeated.indexOf(first) + 1}, of tick ${first.recorded.tick}, row ${row}, dimension ${dimension}: ` +
        `${recorded} recorded, ${again} repeated; ${plural(values, 'value')} of its chunk differ`,
    );
  }
  for (const { recorded, why } of left.slice(0, 3)) printNote(`the decision of tick ${recorded.tick}: ${why}`);
  return isRight ? 0 : 1;
}
