import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { checkStrategies } from '../../src/cli/headers.js';
import { OptionError } from '../../src/foundation/errors.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { standInPolicy } from '../../src/verification/methods/stand-in-policy.js';
import { golden } from '../support/folders.js';

const folder = (name: string): string => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url));
const CVAE = folder('methods/bridger-cvae/predictor');
const STEP = folder('step-forward-noise/predictor');

describe('strategies of a command line, before weights are read', () => {
  const check = async (options: StrategyOptions, predictor: string | undefined): Promise<void> => {
    const { config, close } = await loadMethodCheckpoint(golden('methods/bridger-sde/network'));
    await close();
    const policy = await loadPolicyCheckpoint(standInPolicy(config));
    await policy.close();
    await checkStrategies(policy, predictor, [{ name: options.name, options }], methodsByType([config]));
  };

  it('take the predictor that they need', async () => {
    await check({ name: 'BRIDGER', prior: 'cvae' }, CVAE);
    await check({ name: 'BRIDGER', prior: 'normal' }, undefined);
    // Any predictor does: its folder is not read.
    await check({ name: 'STEP', budget: 1 }, 'no such folder');
    await check({ name: 'STEP', budget: 1 }, 'shift');
  });

  it.each<[StrategyOptions, string | undefined, RegExp]>([
    [
      { name: 'BRIDGER', prior: 'cvae' },
      undefined,
      /BRIDGER needs a predictor that is a CVAE as its prior, found none: give --predictor with the/,
    ],
    [{ name: 'BRIDGER', prior: 'cvae' }, 'shift', /found a shifted chunk: give --predictor with the folder of its CVAE/],
    [{ name: 'BRIDGER', prior: 'cvae' }, STEP, /found a STEP predictor: give --predictor with the folder of its CVAE/],
    [{ name: 'STEP', budget: 1 }, undefined, /STEP needs a predictor .*found none: give --predictor with a folder, or with "shift"/],
  ])('%j with predictor %s is refused', async (options, predictor, message) => {
    const refused = await check(options, predictor).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OptionError);
    expect((refused as Error).message).toMatch(message);
  });
});
