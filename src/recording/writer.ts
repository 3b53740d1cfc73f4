import type { McapWriter } from '@mcap/core';
import { VERSION } from '../foundation/version.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import { channelOf } from './channels.js';
import { RecordingError } from './error.js';
import { exactJson, type Json } from './json.js';
import { loadMcap } from './mcap.js';

/** Where the bytes of a recording go, in order. A call is awaited before the next. */
export interface RecordingSink {
  /** Takes all of the bytes, and keeps nothing of the array when it has resolved: it is used again. */
  write(bytes: Uint8Array): unknown;
  /** Called once, after the last bytes, also where writing failed; not where `recordLoop` itself rejects: the sink is still yours. */
  close?(): unknown;
}

/** A message on its way. `content` makes it when its turn comes, which is not in a tick. */
export interface QueuedMessage {
  readonly topic: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** What it costs to keep it, in bytes, roughly. */
  readonly cost: number;
  content(): Json | Promise<Json>;
}

/** So much is lost at most of a recording whose process ends before it is closed. */
const CHUNK_BYTES = 128 * 1024;

/** Writes messages to an MCAP file: uncompressed chunks, an index, schemas of every topic. Calls must wait for each other. */
export class RecordingWriter {
  readonly #writer: McapWriter;
  readonly #sink: RecordingSink;
  readonly #features: readonly ObservationInfo[];
  readonly #areImagesCompressed: boolean;
  readonly #channels = new Map<string, { readonly id: number; sequence: number }>();
  readonly #encoder = new TextEncoder();

  private constructor(writer: McapWriter, sink: RecordingSink, features: readonly ObservationInfo[], areImagesCompressed: boolean) {
    this.#writer = writer;
    this.#sink = sink;
    this.#features = features;
    this.#areImagesCompressed = areImagesCompressed;
  }

  /** @throws RecordingError where @mcap/core is missing, or the sink refuses. */
  static async open(sink: RecordingSink, features: readonly ObservationInfo[], areImagesCompressed: boolean): Promise<RecordingWriter> {
    const { McapWriter } = await loadMcap();
    let position = 0n;
    const writable = {
      position: () => position,
      write: async (bytes: Uint8Array): Promise<void> => {
        try {
          await sink.write(bytes);
        } catch (cause) {
          throw new RecordingError(`the recording's sink failed after ${position} bytes: ${(cause as Error)?.message ?? String(cause)}`, {
            cause,
          });
        }
        position += BigInt(bytes.byteLength);
      },
    };
    const writer = new McapWriter({ writable, chunkSize: CHUNK_BYTES });
    await writer.start({ profile: '', library: `warmstep ${VERSION}` });
    return new RecordingWriter(writer, sink, features, areImagesCompressed);
  }

  async metadata(name: string, entries: Readonly<Record<string, string>>): Promise<void> {
    await this.#writer.addMetadata({ name, metadata: new Map(Object.entries(entries)) });
  }

  async message({ topic, time, content }: QueuedMessage): Promise<void> {
    const json = await content();
    const channel = this.#channels.get(topic) ?? (await this.#register(topic));
    const data = this.#encoder.encode(exactJson(json));
    await this.#writer.addMessage({ channelId: channel.id, sequence: channel.sequence++, logTime: time, publishTime: time, data });
  }

  /** Writes the rest of the file: its index. */
  async end(): Promise<void> {
    await this.#writer.end();
  }

  /** @throws RecordingError where the sink does: what it was given may be lost. */
  async closeSink(): Promise<void> {
    try {
      await this.#sink.close?.();
    } catch (cause) {
      throw new RecordingError(`the recording's sink failed as it was closed: ${(cause as Error)?.message ?? String(cause)}`, { cause });
    }
  }

  async #register(topic: string): Promise<{ readonly id: number; sequence: number }> {
    const { schemaName, schema } = channelOf(topic, this.#features, this.#areImagesCompressed);
    const schemaId = await this.#writer.registerSchema({
      name: schemaName,
      encoding: 'jsonschema',
      data: this.#encoder.encode(exactJson(schema)),
    });
    const id = await this.#writer.registerChannel({ topic, schemaId, messageEncoding: 'json', metadata: new Map() });
    const channel = { id, sequence: 0 };
    this.#channels.set(topic, channel);
    return channel;
  }
}
