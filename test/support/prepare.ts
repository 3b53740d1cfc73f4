import { vi } from 'vitest';
import type { Policy } from '../../src/policy/policy.js';

/** Where a machine is busy, preparing takes too long and is left out: here it takes no time, until mocks are restored. */
export function stopTime(): void {
  vi.spyOn(performance, 'now').mockReturnValue(0);
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Prepares a decision to the end, however busy the machine is. Restores all mocks. */
export async function prepare(policy: Policy): Promise<void> {
  stopTime();
  await policy.prepare({ on: 'host' });
  await nextTurn();
  vi.restoreAllMocks();
}
