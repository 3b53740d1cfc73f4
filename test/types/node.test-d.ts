import { expectTypeOf } from 'vitest';
import * as core from '../../src/entries/core.js';
import type * as deno from '../../src/platform/deno/index.js';
import * as node from '../../src/platform/node/index.js';
import type * as surface from '../../src/platform/surface.js';
import type * as web from '../../src/platform/web/index.js';

// What runs in Node, in Deno and in browsers have the names of the declared surface, and no others, and they fit its types.
expectTypeOf<keyof typeof node>().toEqualTypeOf<keyof typeof surface>();
expectTypeOf<keyof typeof deno>().toEqualTypeOf<keyof typeof surface>();
expectTypeOf<typeof deno>().toEqualTypeOf<typeof surface>();
expectTypeOf<keyof typeof web>().toEqualTypeOf<keyof typeof surface>();
expectTypeOf<typeof node>().toExtend<typeof surface>();
expectTypeOf<typeof web>().toEqualTypeOf<typeof surface>();

// What the core has is there, and the same.
expectTypeOf<keyof typeof node>().extract<keyof typeof core>().toEqualTypeOf<keyof typeof core>();
expectTypeOf(node.Policy).toEqualTypeOf(core.Policy);
expectTypeOf(node.OptionError).toEqualTypeOf(core.OptionError);

expectTypeOf(node.loadPolicy).parameter(0).toEqualTypeOf<string | core.CheckpointSource>();
expectTypeOf(node.loadPolicy).parameter(1).toEqualTypeOf<surface.LoadPolicyOptions | undefined>();
expectTypeOf(node.loadPolicy).returns.resolves.toEqualTypeOf<core.Policy>();
expectTypeOf(node.openDevice).returns.resolves.toEqualTypeOf<core.ComputeDevice>();
expectTypeOf(node.folderSource).parameter(0).toBeString();
expectTypeOf(node.folderSource('.')).resolves.toExtend<core.CheckpointSource>();
// Its real type is for this repository alone.
expectTypeOf(node.createGpu).returns.resolves.toExtend<core.WebGpu>();
