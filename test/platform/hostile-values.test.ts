import { describe, expect, it } from 'vitest';
import { createGpu, folderSource, hubSource, loadPolicy, openDevice } from '../../src/platform/node/index.js';
import { golden } from '../support/folders.js';
import { faultsOf, optionProbes, type Probe, Reached } from '../support/hostile.js';

const source = golden('state-ddim2/policy');

/** No options are good options, and would open a device. */
function unlessEmpty<T>(options: unknown, call: () => T): T {
  if (typeof options === 'object' && options !== null && !Array.isArray(options) && Object.keys(options).length === 0) {
    throw new Reached('a device');
  }
  return call();
}

/** What Node does by itself; the rest of the package: test/house/hostile-values.test.ts. */
const PROBES: readonly Probe[] = [
  { what: 'folderSource', call: (value) => folderSource(value) },
  { what: 'hubSource', call: (value) => hubSource(value) },
  ...optionProbes(
    'hubSource',
    {} as NonNullable<Parameters<typeof hubSource>[1]>,
    ['token', 'endpoint', 'signal', 'onProgress', 'onWarning'],
    (options) => hubSource('hf:nobody', options),
    // What is right is found out before anything is asked of the network, which this reference is refused before.
  ),
  { what: 'createGpu: the adapter', call: (value) => createGpu(value) },
  { what: 'createGpu: the profile', call: (value) => createGpu('no such adapter', { profile: value }) },
  { what: 'createGpu: options', call: (value) => createGpu('no such adapter', value) },
  { what: 'loadPolicy: the source', call: (value) => loadPolicy(value) },
  { what: 'loadPolicy: the predictor', call: (value) => loadPolicy(source, { networks: { predictor: value } }) },
  ...optionProbes(
    'loadPolicy',
    { adapter: 'no such adapter' } as NonNullable<Parameters<typeof loadPolicy>[1]>,
    ['device', 'networks', 'precision', 'seed', 'signal', 'onProgress', 'onDecision', 'onDispose', 'probes', 'adapter', 'profile'],
    (options) => unlessEmpty(options, () => loadPolicy(source, options)),
  ),
  ...optionProbes(
    'openDevice',
    { adapter: 'no such adapter' } as NonNullable<Parameters<typeof openDevice>[0]>,
    ['gpu', 'adapter', 'profile', 'timing', 'powerPreference', 'deviceClass', 'isPolled', 'transformShader', 'variants'],
    (options) => unlessEmpty(options, () => openDevice(options)),
  ),
];

describe('a hostile value given to what Node does', () => {
  it.each(PROBES)('is refused in words, and at once: $what', async (probe) => {
    expect(await faultsOf(probe)).toEqual([]);
  });
});
