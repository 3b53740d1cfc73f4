import { OptionError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import { RecordingError } from './error.js';
import { loadMcap } from './mcap.js';
import { MessageReader } from './message-reader.js';
import type { LoopRecording } from './recording.js';

/**
 * Reads a recording of `recordLoop`. Of a file that was cut off, or is damaged, everything before is read, and `cut` says so.
 * @throws RecordingError for what is no such recording.
 */
export async function readLoopRecording(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<LoopRecording> {
  const given: Partial<AsyncIterable<Uint8Array> & Iterable<Uint8Array>> | null = typeof pieces === 'object' ? pieces : null;
  if (given === null || ArrayBuffer.isView(given) || !(given[Symbol.asyncIterator] ?? given[Symbol.iterator])) {
    throw new OptionError(`readLoopRecording: expected the pieces of a file (a stream, or [bytes]), found ${shownValue(pieces)}.`);
  }
  const { McapStreamReader } = await loadMcap();
  const reader = new McapStreamReader();
  const messages = new MessageReader();
  let cut: string | undefined;
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      if (!(piece instanceof Uint8Array)) throw new OptionError(`readLoopRecording: expected pieces of bytes, found ${shownValue(piece)}.`);
      bytes += piece.byteLength;
      try {
        reader.append(piece);
        for (let record = reader.nextRecord(); record; record = reader.nextRecord()) messages.take(record);
      } catch (error) {
        if (error instanceof RecordingError) throw error;
        cut = `damaged before byte ${bytes}: ${(error as Error).message}`;
        break;
      }
    }
  } catch (error) {
    if (error instanceof RecordingError || error instanceof OptionError) throw error;
    throw new RecordingError(`the recording cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (cut === undefined && !reader.done())
    cut = `cut off after ${bytes} bytes, in the middle: its process ended before the recording was closed`;
  return messages.recording(cut);
}
