import { expect, it, vi } from 'vitest';
import { recordSpreadRows } from '../../../src/ops/backward/spread-rows.js';
import { folded } from '../../../src/ops/grid.js';
import { PlanBuilder } from '../../../src/runtime/plan-builder.js';
import { newRows } from '../../../src/runtime/rows.js';

// Every kernel of training with its workgroups in rows of three: as where there are more than WebGPU allows side by side, at the size of
// the usual tests. maps.test.ts is not here: it counts dispatches by WebGPU's own limit.
vi.mock('../../../src/runtime/plan-builder.js', async (original) => ({
  ...(await original<typeof import('../../../src/runtime/plan-builder.js')>()),
  MAX_WORKGROUPS: 3,
}));

it('what these tests record is folded', () => {
  expect(folded(4)).toEqual([2, 2, 1]);
  const builder = new PlanBuilder('gpu');
  builder.segment('test');
  recordSpreadRows(builder, newRows(builder, 'x', 67, 1, 4), newRows(builder, 'y', 67, 3, 4), 0);
  expect(builder.segments[0]?.dispatches[0]?.workgroups).toEqual([3, 5, 1]);
});

await import('./attention.test.js');
await import('./dropped.test.js');
await import('./dropped-rows.test.js');
await import('./dropout.test.js');
await import('./latent-rows.test.js');
await import('./layer-norm.test.js');
await import('./map-layers.test.js');
await import('./method-rows.test.js');
await import('./place-tokens.test.js');
await import('../training-norm.test.js');
await import('../training-products.test.js');
await import('../training-step.test.js');
