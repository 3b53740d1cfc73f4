import { expectTypeOf } from 'vitest';
import * as core from '../../src/entries/core.js';
import * as node from '../../src/platform/node/index.js';

// What the core has is there in Node, and the same.
expectTypeOf<keyof typeof node>().extract<keyof typeof core>().toEqualTypeOf<keyof typeof core>();
expectTypeOf(node.Policy).toEqualTypeOf(core.Policy);
expectTypeOf(node.OptionError).toEqualTypeOf(core.OptionError);

expectTypeOf(node.loadPolicy).parameter(0).toEqualTypeOf<string | core.CheckpointSource>();
expectTypeOf(node.loadPolicy).returns.resolves.toEqualTypeOf<core.Policy>();
expectTypeOf(node.openDevice).returns.resolves.toEqualTypeOf<core.ComputeDevice>();
expectTypeOf(node.folderSource).parameter(0).toBeString();
expectTypeOf(node.folderSource('.')).resolves.toExtend<core.CheckpointSource>();
expectTypeOf(node.createGpu).toBeFunction();
