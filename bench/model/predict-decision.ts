import { openDevice } from '../../src/platform/node/device.js';
import { given } from '../../src/terminal/options.js';
import { collectCases } from '../kernels/cases.js';
import type { CompiledRecord } from '../kernels/compiled.js';
import { type DecisionChoice, recordSynthetic } from '../kernels/network.js';
import { type DispatchWork, workOf } from './work.js';

/**
 * The dispatches of a decision with the variants for GPUs, recorded on any adapter: nothing of them runs. `compiled`: what a compiler made of
 * the kernels, for their registers.
 */
export async function worksOf(choice: DecisionChoice, adapter: string | undefined, compiled?: CompiledRecord): Promise<DispatchWork[]> {
  const device = await openDevice({ ...given({ adapter }), profile: 'fast', deviceClass: 'gpu' });
  try {
    const decision = await recordSynthetic(device, choice);
    const registers = new Map(
      (compiled?.kernels ?? []).flatMap(({ label, registers: count }) => (count === undefined ? [] : [[label, count]])),
    );
    try {
      return collectCases(decision).map((found) => workOf(found, registers));
    } finally {
      decision.destroy();
    }
  } finally {
    device.dispose();
  }
}
