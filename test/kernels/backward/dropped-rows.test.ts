import { describe, expect, it } from 'vitest';
import { planDropout } from '../../../src/ops/backward/dropout.js';
import { recordDroppedRows } from '../../../src/ops/backward/dropped-rows.js';
import { newRows } from '../../../src/runtime/rows.js';
import { useTestDevice } from '../../support/device.js';
import { checkDroppedRows } from '../../support/dropped-rows.js';
import { runOp } from '../../support/run-op.js';

describe('dropout of rows', () => {
  const device = useTestDevice();

  it.each(['none', 'bias', 'scale-bias'] as const)('and FiLM behind it: %s', (kind) => checkDroppedRows(device(), kind));

  it('refuses a site of another size', async () => {
    await runOp(device(), ({ builder }) => {
      const dropout = planDropout(builder, [{ name: 'site', elements: 9 }]);
      const rows = newRows(builder, 'x', 1, 2, 4);
      const site = dropout.sites[0] as (typeof dropout.sites)[number];
      expect(() => recordDroppedRows(builder, { x: rows, y: rows, dropout, site })).toThrow('9 elements of "site"');
    });
  });
});
