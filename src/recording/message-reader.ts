import type { McapTypes } from '@mcap/core';
import { FITS, type Fit } from '../spec/fit.js';
import type { PastChunk } from '../strategies/strategy.js';
import { ACTION, CHUNK, DECISION, FLOAT_IMAGE, IMAGE, LOG, OBSERVATION } from './channels.js';
import { FORMAT_VERSION } from './describe.js';
import { RecordingError } from './error.js';
import { fromBase64 } from './json.js';
import type { LoopRecording, RecordedAction, RecordedDecision, RecordedObservation, RecordedPicture } from './recording.js';

type Fields = Readonly<Record<string, unknown>>;

/** Gathers the records of a file, one by one. @throws RecordingError for messages that `recordLoop` did not write. */
export class MessageReader {
  readonly #topics = new Map<number, string>();
  readonly #decoder = new TextDecoder();
  readonly #metadata = new Map<string, string>();
  readonly #observations: RecordedObservation[] = [];
  readonly #actions: RecordedAction[] = [];
  readonly #decisions: (RecordedDecision & { chunk: PastChunk | undefined })[] = [];
  readonly #log: { atMs: number; level: number; message: string }[] = [];
  readonly #pictures = new Map<number, RecordedPicture>();
  #dropped: Record<string, number> = {};
  #firstTime: bigint | undefined;

  take(record: McapTypes.TypedMcapRecord): void {
    if (record.type === 'Channel') this.#topics.set(record.id, record.topic);
    if (record.type === 'Metadata') this.#takeMetadata(record);
    if (record.type === 'Message') this.#takeMessage(record);
  }

  /** All that was gathered. @throws RecordingError where it is no recording of a loop. */
  recording(cut: string | undefined): LoopRecording {
    const format = this.#metadata.get('format');
    if (format !== FORMAT_VERSION) {
      const found = format === undefined ? `none${cut === undefined ? '' : ` (${cut})`}` : `format ${format}`;
      throw new RecordingError(
        `expected a recording of recordLoop, format ${FORMAT_VERSION}, found ${found}. Other MCAP files cannot be replayed.`,
      );
    }
    return {
      metadata: this.#metadata,
      observations: this.#observations,
      actions: this.#actions,
      decisions: this.#decisions,
      log: this.#log,
      pictures: this.#pictures,
      dropped: this.#dropped,
      cut,
    };
  }

  #takeMetadata({ name, metadata }: McapTypes.Metadata): void {
    if (name === 'warmstep') for (const [key, value] of metadata) this.#metadata.set(key, value);
    if (name === 'warmstep.end') this.#dropped = JSON.parse(metadata.get('dropped') ?? '{}') as Record<string, number>;
  }

  #takeMessage({ channelId, logTime, sequence, data }: McapTypes.Message): void {
    const topic = this.#topics.get(channelId) ?? '';
    this.#firstTime ??= logTime;
    const atMs = Number(logTime - this.#firstTime) / 1e6;
    try {
      this.#takeContent(topic, atMs, JSON.parse(this.#decoder.decode(data)) as Fields);
    } catch (cause) {
      throw new RecordingError(`message ${sequence} of ${topic}: ${(cause as Error).message}: recordLoop did not write it.`, { cause });
    }
  }

  #takeContent(topic: string, atMs: number, fields: Fields): void {
    if (topic === OBSERVATION) this.#observations.push({ atMs, values: vectors(fields['values']) });
    if (topic === ACTION) this.#actions.push(actionOf(atMs, fields));
    if (topic === DECISION) this.#decisions.push(decisionOf(atMs, fields));
    if (topic === CHUNK) this.#takeChunk(fields);
    if (topic === LOG) this.#log.push({ atMs, level: number(fields, 'level'), message: String(fields['message']) });
    if (topic.startsWith(IMAGE) && 'encoding' in fields) this.#pictures.set(number(fields, 'picture'), pictureOf(fields, false));
    if (topic.startsWith(FLOAT_IMAGE)) this.#pictures.set(number(fields, 'picture'), pictureOf(fields, true));
  }

  /** A chunk follows its decision; where that was dropped, the chunk is of no use. */
  #takeChunk(fields: Fields): void {
    const decision = this.#decisions.at(-1);
    if (decision?.tick !== number(fields, 'tick')) return;
    const chunk = floats(fields['chunk']);
    const normalized = fields['normalizedChunk'];
    decision.chunk = { chunk, normalizedChunk: normalized === undefined ? new Float32Array() : floats(normalized) };
  }
}

function actionOf(atMs: number, fields: Fields): RecordedAction {
  return {
    atMs,
    tick: number(fields, 'tick'),
    source: String(fields['source']),
    late: fields['late'] === true,
    held: fields['held'] === true,
    sent: fields['sent'] === true,
    action: Float64Array.from(numbers(fields['action'])),
    latenessMs: number(fields, 'latenessMs'),
  };
}

function decisionOf(atMs: number, fields: Fields): RecordedDecision & { chunk: PastChunk | undefined } {
  const window = record(fields['window']);
  const key = fields['noiseKey'] === undefined ? undefined : record(fields['noiseKey']);
  const pictures = Object.entries(record(window['pictures'])).map(([field, ids]) => [field, numbers(ids)] as const);
  return {
    atMs,
    tick: number(fields, 'tick'),
    latencyMs: number(fields, 'latencyMs'),
    evaluations: fields['evaluations'] === undefined ? undefined : number(fields, 'evaluations'),
    warm: fields['warm'] === true,
    stalled: fields['stalled'] === true,
    expired: fields['expired'] === true,
    noiseKey: key && {
      seed: number(key, 'seed'),
      episode: number(key, 'episode'),
      decision: number(key, 'decision'),
      sample: number(key, 'sample'),
    },
    values: vectors(window['values']),
    pictures: new Map(pictures),
    chunk: undefined,
  };
}

function pictureOf(fields: Fields, isFloat: boolean): RecordedPicture {
  const height = number(fields, 'height');
  const width = number(fields, 'width');
  const bytes = fromBase64(String(fields['data']));
  const pixels = bytes.byteLength / (height * width);
  if (!(isFloat ? [12] : [3, 4]).includes(pixels)) throw new Error(`a picture of ${height}×${width} has ${bytes.byteLength} bytes`);
  const { fit } = fields;
  if (fit !== undefined && !FITS.includes(fit as Fit))
    throw new Error(`expected a fit of ${FITS.join(', ')}, found ${JSON.stringify(fit)}`);
  const data = isFloat ? new Float32Array(bytes.buffer as ArrayBuffer) : bytes;
  return { data, height, width, ...(fit === undefined ? {} : { fit: fit as Fit }) };
}

function record(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`expected an object, found ${typeof value}`);
  return value as Fields;
}

function vectors(value: unknown): ReadonlyMap<string, Float32Array> {
  return new Map(Object.entries(record(value)).map(([field, values]) => [field, floats(values)]));
}

function floats(value: unknown): Float32Array {
  return Float32Array.from(numbers(value));
}

function numbers(value: unknown): readonly number[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'number')) throw new Error('expected a list of numbers');
  return value as number[];
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new Error(`expected a number as ${name}, found ${typeof value}`);
  return value;
}
