import type { FileHandle } from 'node:fs/promises';
import { expectTypeOf } from 'vitest';
import type { Policy } from '../../src/entries/core.js';
import { type RecordingSink, type ReplayPolicy, recordLoop } from '../../src/entries/recording.js';

// A policy repeats decisions, and a recording needs a loop and a sink.
expectTypeOf<Policy>().toExtend<ReplayPolicy>();
expectTypeOf(recordLoop).parameter(1).toEqualTypeOf<RecordingSink>();
expectTypeOf<Pick<FileHandle, 'close'> & { write(bytes: Uint8Array): Promise<void> }>().toExtend<RecordingSink>();
expectTypeOf<{ close(): void }>().not.toExtend<RecordingSink>();
