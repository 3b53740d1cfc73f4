import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { describePolicyCheckpoint } from '../../src/cli/describe-checkpoint.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { goldenCases } from '../support/folders.js';

const bundled = repositoryPath('checkpoints/pusht-state');

interface PolicyDescription {
  readonly parameters: number;
  readonly observations: { readonly size: number }[];
  readonly observationSteps: number;
  readonly unet: { readonly conditioningDim: number };
}

describe('warmstep inspect', () => {
  it('describes a policy to people', async () => {
    const { code, stdout } = await warmstep('inspect', `${bundled}/policy`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/observation\.environment_state +observation\.environment_state +16 +min-max/);
    expect(stdout).toContain('LeRobot, dialect C');
    expect(stdout).toContain('16 rows: 2 observation steps, 8 executed per decision');
    expect(stdout).toContain('DDIM, 10 of 100 timesteps, squaredcos_cap_v2, epsilon prediction, clip ±1');
    expect(stdout).toContain('4,545,218');
    expect(stdout).toContain('9.1 MB on disk (F16)');
  });

  it('says what a checkpoint sets of what diffusers leaves at a default', async () => {
    const keys = {
      prediction_type: 'v_prediction',
      thresholding: true,
      sample_max_value: 1.5,
      timestep_spacing: 'trailing',
      steps_offset: 1,
    };
    const { source } = new ChangedCheckpoint('state-ddim2').config((config) => Object.assign(config, keys));
    expect(describePolicyCheckpoint(await loadPolicyCheckpoint(source)).text).toContain(
      'v prediction, thresholding at the 0.995 quantile up to 1.5, trailing spacing, offset 1',
    );
  });

  it('describes a predictor', async () => {
    expect((await warmstep('inspect', `${bundled}/predictor`)).stdout).toContain('STEP predictor');
    expect(await warmstepJson('inspect', `${bundled}/predictor`)).toMatchObject({
      kind: 'predictor',
      parameters: 667_906,
      weightBytes: 1_335_812,
      dtypes: ['F16'],
      warnings: [],
      config: { actionDim: 2, observationDim: 18, historySteps: 16 },
    });
  });

  it.each(goldenCases('policy'))('reads %s', async (name) => {
    const policy = await warmstepJson<PolicyDescription>('inspect', repositoryPath(`test/goldens/${name}/policy`));
    expect(policy).toMatchObject({ kind: 'policy', action: { name: 'action' } });
    expect(policy.parameters).toBeGreaterThan(300_000);
    const frame = policy.observations.reduce((sum, { size }) => sum + size, 0);
    expect(policy.unet.conditioningDim).toBe(policy.observationSteps * frame);
  });

  it('names the dialect, and repeats the warnings of the loader', async () => {
    const folder = (name: string): string => repositoryPath(`test/goldens/${name}/policy`);
    expect(await warmstepJson('inspect', folder('state-dialect-a'))).toMatchObject({ dialect: 'A' });
    expect(await warmstepJson('inspect', folder('state-dialect-b'))).toMatchObject({ dialect: 'B' });
    expect((await warmstep('inspect', folder('state-bias-film'))).stdout).toContain('warning: ');
  });
});
