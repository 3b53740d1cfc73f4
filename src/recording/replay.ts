import { NonFiniteError, ObservationError } from '../foundation/errors.js';
import { checkMethods } from '../foundation/options.js';
import type { Observation, ObservationValue } from '../observations/frame.js';
import type { ImageValue } from '../observations/picture.js';
import type { DecideOptions, Decision } from '../policy/decision-result.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { PastChunk } from '../strategies/strategy.js';
import { fieldNames } from './channels.js';
import type { LoopRecording, RecordedDecision } from './recording.js';

/** What repeats decisions; a `Policy` does. */
export interface ReplayPolicy {
  readonly info: { readonly observations: readonly ObservationInfo[] };
  decide(window: Observation, options: DecideOptions): Promise<Pick<Decision, 'chunk' | 'normalizedChunk'>>;
}

/** Where two chunks differ first, and how many of their values do. */
export interface ChunkDifference {
  readonly row: number;
  readonly dimension: number;
  readonly recorded: number;
  readonly repeated: number;
  readonly values: number;
}

/** A decision of a recording, made again. */
export type RepeatedDecision = { readonly recorded: RecordedDecision } & (
  | { readonly outcome: 'same' }
  | { readonly outcome: 'different'; readonly difference: ChunkDifference }
  /** `why`: what the recording lacks, why the policy refuses the window that it has, or that it makes no finite chunk of it. */
  | { readonly outcome: 'not repeatable'; readonly why: string }
);

interface DecisionInputs {
  readonly window: Observation;
  readonly options: DecideOptions;
}

/**
 * Makes the decisions of a recording again, in order, each from its own window, the two chunks before it and its own noise, and compares bits of
 * the chunks, in the units of the robot. On the same adapter, with the same files, strategy and precision, all are the same. A decision whose
 * inputs were not recorded, whose window the policy refuses, or that is not finite, is left out, with the reason.
 * @throws as `Policy.decide`, but for its ObservationErrors and NonFiniteErrors, which are outcomes; OptionError where the policy's strategy remembers more than chunks.
 */
export async function* replayDecisions(recording: LoopRecording, policy: ReplayPolicy): AsyncGenerator<RepeatedDecision> {
  checkMethods('replayDecisions', 'the policy', policy, 'a Policy', ['decide']);
  checkMethods('replayDecisions', 'decisions of the recording', recording?.decisions, 'those of readLoopRecording', ['map']);
  checkMethods('replayDecisions', 'pictures of the recording', recording.pictures, 'those of readLoopRecording', ['get']);
  const chunks = new Map(recording.decisions.map((decision) => [placeOf(decision, 0), decision.chunk]));
  for (const recorded of recording.decisions) {
    const inputs = inputsOf(recorded, recording, chunks, policy.info.observations);
    if (typeof inputs === 'string') {
      yield { recorded, outcome: 'not repeatable', why: inputs };
      continue;
    }
    const repeated = await decideAgain(policy, inputs);
    if (typeof repeated === 'string') {
      yield { recorded, outcome: 'not repeatable', why: repeated };
      continue;
    }
    const difference = differenceOf((recorded.chunk as PastChunk).chunk, repeated, actionDimOf(recording));
    yield difference ? { recorded, outcome: 'different', difference } : { recorded, outcome: 'same' };
  }
}

/** The chunk, or why there is none: the others may still be repeated. */
async function decideAgain(policy: ReplayPolicy, { window, options }: DecisionInputs): Promise<Float32Array | string> {
  try {
    return (await policy.decide(window, options)).chunk;
  } catch (error) {
    if (error instanceof ObservationError) return `the policy refuses its window: ${error.message}`;
    if (error instanceof NonFiniteError) return `the policy makes no finite chunk of it: ${error.message}`;
    throw error;
  }
}

/** What tells a decision from others of its policy, `back` decisions before it in its episode. */
function placeOf({ noiseKey: key }: RecordedDecision, back: number): string {
  return key ? `${key.seed} ${key.episode} ${key.sample} ${key.decision - back}` : '';
}

function inputsOf(
  recorded: RecordedDecision,
  { pictures }: LoopRecording,
  chunks: ReadonlyMap<string, PastChunk | undefined>,
  observations: readonly ObservationInfo[],
): DecisionInputs | string {
  const { noiseKey } = recorded;
  if (!noiseKey) return 'its source did not say what its noise was drawn by';
  if (!recorded.chunk) return 'its chunk is not in the recording';
  const previous: PastChunk[] = [];
  for (let back = 1; back <= Math.min(2, noiseKey.decision); back++) {
    const chunk = chunks.get(placeOf(recorded, back));
    if (!chunk) return `the chunk ${back} before it is not in the recording`;
    previous.push(chunk);
  }
  const fields = fieldNames(observations);
  const window: Record<string, ObservationValue> = {};
  for (const { name, kind } of observations) {
    const field = fields.get(name) as string;
    if (kind === 'image') {
      const images = recorded.pictures.get(field)?.map((id) => pictures.get(id));
      if (!images || images.includes(undefined)) return `a picture of "${name}" is not in the recording as it was`;
      window[name] = images as readonly ImageValue[];
    } else {
      const values = recorded.values.get(field);
      if (!values) return `"${name}" is not in its window: the policy reads something else`;
      window[name] = values;
    }
  }
  return { window, options: { previous, noiseKey } };
}

function actionDimOf({ metadata }: LoopRecording): number {
  return Number(metadata.get('actionDim') ?? 1);
}

/** By bits: −0 is not 0. Chunks of another length differ in what one of them lacks. */
function differenceOf(recorded: Float32Array, repeated: Float32Array, actionDim: number): ChunkDifference | undefined {
  const length = Math.max(recorded.length, repeated.length);
  const differing = Array.from({ length }, (_, i) => i).filter((i) => !Object.is(recorded[i], repeated[i]));
  const [first] = differing;
  if (first === undefined) return undefined;
  return {
    row: Math.floor(first / actionDim),
    dimension: first % actionDim,
    recorded: recorded[first] ?? NaN,
    repeated: repeated[first] ?? NaN,
    values: differing.length,
  };
}
