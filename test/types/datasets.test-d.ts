import { expectTypeOf } from 'vitest';
import type { CheckpointSource } from '../../src/entries/core.js';
import * as datasets from '../../src/entries/datasets.js';
import * as node from '../../src/platform/node/datasets.js';

// What runs in Node and what runs elsewhere have the same names and fit the same types.
expectTypeOf<keyof typeof node>().toEqualTypeOf<keyof typeof datasets>();
expectTypeOf(node.openDataset).parameters.toEqualTypeOf<Parameters<typeof datasets.openDataset>>();

// A source of a checkpoint is one of a data set.
expectTypeOf<CheckpointSource>().toExtend<datasets.DatasetSource>();
expectTypeOf(datasets.openDataset).returns.resolves.toEqualTypeOf<datasets.StoredDataset>();
expectTypeOf<datasets.Dataset['readRows']>().returns.resolves.toEqualTypeOf<Float32Array>();
expectTypeOf<datasets.WindowBatch['actionIsPad']>().toEqualTypeOf<Uint8Array>();
expectTypeOf<datasets.DatasetFeature['kind']>().toEqualTypeOf<'vector' | 'image' | 'video'>();
expectTypeOf<AbortSignal>().toExtend<NonNullable<datasets.WriteOptions['signal']>>();
