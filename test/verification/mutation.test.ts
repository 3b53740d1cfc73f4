import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { replace, useMutantDevice } from '../support/mutants.js';

const FOLDER = fileURLToPath(new URL('../goldens/state-bias-film', import.meta.url));

/** One mutant for every day; all others are in mutation.long.test.ts. */
describe('verification notices a broken kernel', () => {
  const { device, mutated } = useMutantDevice('software');
  const passes = async (): Promise<boolean> => (await verifyCase(await caseFolder(FOLDER), device(), 'f32')).pass;

  it('solver step: eps from the other coefficient, and passes while nothing is broken', async () => {
    expect(await passes()).toBe(true);
    const { result, mutants } = await mutated(
      { kernel: /^solver_step/, mutate: replace('step.eps_from_sample', 'step.eps_from_output') },
      passes,
    );
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'verification passes').toBe(false);
  });
});
