import { BRIDGE_NETWORKS, BRIDGE_PRIORS, INTERPOLANTS, SDE_FORMS } from '../../spec/method-networks.js';
import type { MethodFolder } from './define.js';

/** BRIDGER's three U-Nets in one file (StochasticInterpolants of the release). */
export const BRIDGER_FOLDER: MethodFolder<'bridger'> = {
  type: 'bridger',
  read: (json, common) => {
    const networks = json.has('networks') ? [...json.strings('networks')].sort() : [...BRIDGE_NETWORKS].sort();
    if (networks.join() !== [...BRIDGE_NETWORKS].sort().join()) json.fail('networks', `${BRIDGE_NETWORKS.join(', ')}, in any order`);
    json.choice('gamma', ['sqrt(2t(1-t))'], 'sqrt(2t(1-t))');
    json.choice('epsilon', ['1-t'], '1-t');
    return {
      type: 'bridger',
      ...common,
      noiseScale: json.number('noise_scale', { fallback: 0.03, above: 0, below: 1e6 }),
      timeMin: json.number('time_min', { fallback: 0.001, above: 0, below: 0.5 }),
      gammaInverseMax: json.number('gamma_inverse_max', { fallback: 200, above: 0, below: 1e9 }),
      interpolant: json.choice('interpolant', INTERPOLANTS, 'power3'),
      sde: json.choice('sde', SDE_FORMS, 'vs'),
      prior: json.choice('prior', BRIDGE_PRIORS, 'normal'),
    };
  },
  unets: () => BRIDGE_NETWORKS.map((name) => `${name}.`),
};
