/**
 * Compiles the kernels of a decision one after the other and says on standard error which comes next, so that what the driver
 * writes there can be told apart. Run by `compile-report.ts`, in a process of its own.
 */
import { writeSync } from 'node:fs';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { openDevice } from '../../src/platform/node/device.js';
import type { Dispatch } from '../../src/runtime/plan-builder.js';
import { KERNEL_MARK } from './compiled.js';
import { type DecisionChoice, recordSynthetic } from './network.js';

const { choice, adapter } = JSON.parse(process.argv[2] ?? '{}') as { readonly choice: DecisionChoice; readonly adapter?: string };
const options = { profile: 'fast', ...(adapter === undefined ? {} : { adapter }) } as const;
const device = await openDevice(options);
const decision = await recordSynthetic(device, choice);
const counts = new Map<string, { readonly kernel: Kernel; dispatches: number }>();
for (const { segment } of decision.runs) {
  const { dispatches = [] as readonly Dispatch[] } = decision.builder.segments.find(({ name }) => name === segment) ?? {};
  for (const { kernel } of dispatches) {
    const found = counts.get(kernel.code) ?? { kernel, dispatches: 0 };
    found.dispatches++;
    counts.set(kernel.code, found);
  }
}
decision.destroy();
// Loading compiled some of them already, and a device compiles nothing twice.
const fresh = await openDevice(options);
for (const { kernel, dispatches } of counts.values()) {
  writeSync(2, `\n${KERNEL_MARK}${JSON.stringify({ label: kernel.label, dispatches })}\n`);
  await fresh.pipelines.get(kernel);
}
const { vendor, architecture, device: name, description } = device.adapter;
process.stdout.write([vendor, architecture, name, description].filter((part) => part !== '').join(' · '));
fresh.dispose();
device.dispose();
