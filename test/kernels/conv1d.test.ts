import { describe, it } from 'vitest';
import type { Activation } from '../../kernels/activations.wgsl.js';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values } from '../support/values.js';
import { convolution } from './reference.js';

const device = useTestDevice();
void device;
describe('conv', () => {
 it('timing', async () => {
  const r = new Normals(1);
  let n = 0; const t0 = performance.now();
  for (const k of [1,3,5,7]) for (const s of [1,2,3]) for (const p of [0,1,2,3]) {
    const x = r.values(2, 5, 17);
    const w = r.floats(7*5*k);
    const ref = convolution({x, weight: w, outChannels: 7, kernelSize: k, stride: s, padding: p});
    const t = performance.now();
    const res = await runOp(device(), async (op) => {
      const weights = await loadConv1d(op.loader({'a.weight': w, 'a.bias': new Float32Array(7)}), 'a', {inChannels: 5, outChannels: 7, kernelSize: k});
      recordConv1d(op.builder, weights, {x: op.input(x), y: op.output('y', 2, 7, ref.length), stride: s, padding: p});
    });
    expectClose(res.values('y'), ref, {atol: 1e-5, rtol: 1e-5}, `${k} ${s} ${p}`);
    n++;
    if (n % 8 === 0) console.log(k, s, p, performance.now() - t);
  }
  console.log(n, performance.now() - t0);
 });
});
