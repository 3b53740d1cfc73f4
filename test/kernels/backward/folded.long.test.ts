import { vi } from 'vitest';

// Every kernel of training with its workgroups in rows of three: as where there are more than WebGPU allows side by side, at the size of
// the usual tests.
vi.mock('../../../src/runtime/plan-builder.js', async (original) => ({
  ...(await original<typeof import('../../../src/runtime/plan-builder.js')>()),
  MAX_WORKGROUPS: 3,
}));

await import('./attention.test.js');
await import('./dropped.test.js');
await import('./dropped-rows.test.js');
await import('./layer-norm.test.js');
await import('./map-layers.test.js');
await import('./method-rows.test.js');
await import('../training-norm.test.js');
await import('../training-products.test.js');
await import('../training-step.test.js');
