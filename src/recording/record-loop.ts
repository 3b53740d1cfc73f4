import type { ControlLoop } from '../control/control-loop.js';
import type { ActionEvent, DecisionEvent, StopReason, TickEvent } from '../control/events.js';
import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkMethods, checkText } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import type { Picture } from '../observations/picture.js';
import type { Decision } from '../policy/decision-result.js';
import { ACTION, CHUNK, DECISION, fieldNames, LOG, OBSERVATION } from './channels.js';
import { describeSource } from './describe.js';
import type { Json } from './json.js';
import { MessageQueue } from './message-queue.js';
import { type RecordLoopOptions, type ResolvedRecordOptions, resolveRecordOptions } from './options.js';
import { pictureMessage, pictureTopic, timestampOf } from './picture-messages.js';
import { type RecordingSink, RecordingWriter } from './writer.js';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** What a recording came to. */
export interface RecordingSummary {
  readonly messages: number;
  /** Messages that found the queue full, by topic; empty where the recording is whole. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A recording that is under way. */
export interface RecordingHandle {
  /**
   * Resolves when everything is written and the sink is closed: after the loop has stopped, or `close`. Rejects with a RecordingError where
   * the sink failed; nobody has to wait for it.
   */
  readonly closed: Promise<RecordingSummary>;
  /** As of now. */
  readonly summary: RecordingSummary;
  /** A line of your own on `/log`. Does nothing once the recording has ended: with the loop, or by `close`. @throws OptionError. */
  log(level: LogLevel, message: string): void;
  /** Ends the recording; the loop goes on. */
  close(): Promise<RecordingSummary>;
}

/** Levels of `foxglove.Log`. */
const LEVELS = { debug: 1, info: 2, warning: 3, error: 4 } as const;
/** Bytes of a message beside its arrays, and per number of them, roughly. */
const MESSAGE_COST = 256;
const NUMBER_COST = 8;

/**
 * Records a loop to an MCAP file: observations, actions, decisions, chunks and a log, with what every decision depended on, so that it can be
 * repeated (`replayDecisions`). Nothing is written in a tick: a tick keeps references to arrays that nobody changes. The recording ends
 * with the loop. A sink that fails stops the recording and never the loop. While a loop is recorded its policy keeps its strategy.
 * @throws OptionError; RecordingError where the package @mcap/core is missing, or the sink refuses.
 */
export async function recordLoop(loop: ControlLoop, sink: RecordingSink, options: RecordLoopOptions = {}): Promise<RecordingHandle> {
  checkMethods('recordLoop', 'the loop', loop, 'a ControlLoop', ['on', 'observe', 'stop']);
  checkMethods('recordLoop', 'the sink', sink, 'an object with write(bytes), and close() if it needs it', ['write']);
  const resolved = resolveRecordOptions(options);
  if (loop.state === 'stopped')
    throw new OptionError('recordLoop: the loop has stopped, and does nothing any more: record it from before start().');
  const writer = await RecordingWriter.open(sink, loop.info.observations, typeof resolved.images === 'object');
  await writer.metadata('warmstep', { ...describeSource(loop.info), recordedAt: new Date().toISOString() });
  if (Object.keys(resolved.metadata).length > 0) await writer.metadata('user', resolved.metadata);
  return new LoopRecorder(loop, writer, resolved);
}

class LoopRecorder implements RecordingHandle {
  readonly closed: Promise<RecordingSummary>;
  readonly #loop: ControlLoop;
  readonly #writer: RecordingWriter;
  readonly #queue: MessageQueue;
  readonly #options: ResolvedRecordOptions;
  readonly #fields: ReadonlyMap<string, string>;
  readonly #pictures = new WeakMap<Picture, number>();
  readonly #seen = new Map<string, number>();
  readonly #removers: (() => void)[];
  /** Nanoseconds since 1970 at the origin of the loop's clock. */
  readonly #origin: bigint;
  #nextPicture = 0;
  #action: ActionEvent | undefined;
  /** Messages that were dropped when the log last said so. */
  #droppedBefore = 0;
  #finish: (summary: Promise<RecordingSummary>) => void = () => {};
  #isClosing = false;
  #hasFailed = false;

  constructor(loop: ControlLoop, writer: RecordingWriter, options: ResolvedRecordOptions) {
    this.#loop = loop;
    this.#writer = writer;
    this.#options = options;
    this.#queue = new MessageQueue(writer, options.queueBytes, (error) => this.#fail(error));
    this.#fields = fieldNames(loop.info.observations);
    this.#origin = nanoseconds(Date.now()) - nanoseconds(loop.clock.now());
    this.closed = new Promise((resolve) => (this.#finish = resolve));
    // A recording that failed must not end the process of a robot: `onError` tells of it.
    this.closed.catch(() => {});
    this.#removers = [
      loop.on('observation', ({ observation }) => this.#observation(observation)),
      loop.on('action', (event) => void (this.#action = event)),
      loop.on('tick', (event) => this.#tick(event)),
      loop.on('decision', (event) => this.#decision(event)),
      loop.on('deadline-miss', ({ tick, consecutive, cause }) =>
        this.log('warning', `tick ${tick} is late because of the ${cause}, ${consecutive} in a row`),
      ),
      loop.on('limit', ({ tick, hits: [first] }) => {
        if (first)
          this.log('warning', `tick ${tick}: dimension ${first.dimension} wanted ${first.wanted}, ${first.limit} allows ${first.allowed}`);
      }),
      loop.on('stop', (reason) => this.#stopped(reason)),
    ];
  }

  get summary(): RecordingSummary {
    return { messages: this.#queue.written, dropped: Object.fromEntries(this.#queue.dropped) };
  }

  log(level: LogLevel, message: string): void {
    checkChoice('log', 'level', level, ['debug', 'info', 'warning', 'error']);
    checkText('log', 'message', message);
    const time = this.#now();
    const content = { timestamp: timestampOf(time), level: LEVELS[level], message, name: 'warmstep', file: '', line: 0 };
    this.#push(LOG, time, MESSAGE_COST + message.length, () => content);
  }

  close(): Promise<RecordingSummary> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      for (const remove of this.#removers) remove();
      this.#finish(this.#end());
    }
    return this.closed;
  }

  async #end(): Promise<RecordingSummary> {
    try {
      await this.#writeEnd();
      await this.#writer.closeSink();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    return this.summary;
  }

  async #writeEnd(): Promise<void> {
    try {
      await this.#queue.settled();
      const { messages, dropped } = this.summary;
      await this.#writer.metadata('warmstep.end', { messages: String(messages), dropped: JSON.stringify(dropped) });
      await this.#writer.end();
    } catch (error) {
      this.#fail(error);
      // What the sink says to that is left out: what failed first tells more.
      await this.#writer.closeSink().catch(() => {});
      throw error;
    }
  }

  /** Tells of the first failure alone: a sink that failed once fails again as the recording ends. */
  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    try {
      this.#options.onError?.(error);
    } catch {
      // Nobody waits for the queue: this would end the process, and the robot with it. `closed` tells of the failure as well.
    }
  }

  #now(): bigint {
    return this.#origin + nanoseconds(this.#loop.clock.now());
  }

  #push(topic: string, time: bigint, cost: number, content: () => Json | Promise<Json>): void {
    // The file has its end, or is about to.
    if (this.#isClosing) return;
    const dropped = [...this.#queue.dropped.values()].reduce((sum, count) => sum + count, 0);
    const isKept = this.#queue.push({ topic, time, cost, content });
    if (!isKept || dropped === this.#droppedBefore) return;
    const message = `${dropped - this.#droppedBefore} messages were dropped: the sink is slower than the loop`;
    this.#droppedBefore = dropped;
    this.log('warning', message);
  }

  #observation(observation: Observation): void {
    const time = this.#now();
    const { values, pictures } = this.#split(observation, time);
    const flat = Object.fromEntries(Object.entries(pictures).map(([field, [id]]) => [field, id]));
    this.#push(OBSERVATION, time, costOf(values), () => ({ values, pictures: flat }));
  }

  #tick(event: TickEvent): void {
    const { tick, latenessMs, skipped, source, sent, rowsLeft } = event;
    const { action, row, ageMs } = this.#action ?? {};
    this.#action = undefined;
    const late = source === 'repeat' || source === 'hold';
    const content = { tick, source, late, held: source === 'hold', sent, action: action ?? [], row, ageMs, latenessMs, skipped, rowsLeft };
    this.#push(ACTION, this.#now(), MESSAGE_COST + NUMBER_COST * content.action.length, () => content);
  }

  #decision({ tick, latencyMs, expired, window, decided }: DecisionEvent): void {
    const time = this.#now();
    const { timesteps, evaluations, screening, warm, stalled, noiseKey, normalizedChunk, firstRow } = decided as Partial<Decision>;
    const split = this.#split(window, time);
    const key = noiseKey && { ...noiseKey };
    const about = { tick, latencyMs, expired, steps: timesteps?.length, timesteps, evaluations, screening, warm, stalled, noiseKey: key };
    this.#push(DECISION, time, costOf(split.values), () => ({ ...about, window: split }));
    const { horizon, actionDim, observationSteps } = this.#loop.info;
    // Of sources that are no policies nothing is known: they may use the array again.
    const chunk = decided.chunk.slice();
    const sizes = { tick, rows: horizon, actionDim, firstRow: firstRow ?? observationSteps - 1 };
    this.#push(CHUNK, time, MESSAGE_COST + 2 * NUMBER_COST * chunk.length, () => ({ ...sizes, chunk, normalizedChunk }));
  }

  #stopped({ kind, message }: StopReason): void {
    this.log(kind === 'requested' ? 'info' : 'error', `the loop stopped (${kind}): ${message}`);
    void this.close();
  }

  /** Vectors by field, and pictures by their numbers; a picture that is new is recorded. */
  #split(observation: Observation, time: bigint): { values: Record<string, ArrayLike<number>>; pictures: Record<string, number[]> } {
    const values: Record<string, ArrayLike<number>> = {};
    const pictures: Record<string, number[]> = {};
    for (const { name, kind } of this.#loop.info.observations) {
      const field = this.#fields.get(name) as string;
      const value = observation[name];
      if (kind === 'image') pictures[field] = [value].flat().map((one) => this.#pictureId(one as Picture, field, time));
      else values[field] = value as ArrayLike<number>;
    }
    return { values, pictures };
  }

  #pictureId(picture: Picture, field: string, time: bigint): number {
    const known = this.#pictures.get(picture);
    if (known !== undefined) return known;
    const id = this.#nextPicture++;
    this.#pictures.set(picture, id);
    const seen = this.#seen.get(field) ?? 0;
    this.#seen.set(field, seen + 1);
    const { images, imageInterval } = this.#options;
    if (images === 'none' || seen % imageInterval !== 0) return id;
    const encoder = images === 'raw' ? undefined : images;
    const cost = MESSAGE_COST + picture.bytes.byteLength;
    this.#push(pictureTopic(field, picture), time, cost, () => pictureMessage(picture, field, id, time, encoder));
    return id;
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}

function costOf(values: Readonly<Record<string, ArrayLike<number>>>): number {
  return Object.values(values).reduce((sum, { length }) => sum + NUMBER_COST * length, MESSAGE_COST);
}
