import { describe, expect, it } from 'vitest';
import { warmstep } from './captured.js';

describe('warmstep kernels', () => {
  it('lists what the bundled policy runs', async () => {
    const { code, stdout } = await warmstep('kernels');
    expect(code).toBe(0);
    for (const name of ['conv1d', 'attention', 'group_norm', 'layer_norm', 'solver_step', 'normalize']) expect(stdout).toContain(name);
  });

  it('prints the text that runs', async () => {
    const { code, stdout } = await warmstep('kernels', '--print', 'layer_norm');
    expect(code).toBe(0);
    expect(stdout).toContain('// layer_norm');
    expect(stdout).toMatch(/@compute @workgroup_size\(.*\)\s+fn main/);
    expect(stdout).not.toContain('conv1d');
  });
});
