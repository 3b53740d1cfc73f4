import type { OptionTable, Spelling, StrategyDefinition } from './define.js';
import { RTI_DP_SPELLING } from './rti-dp-spelling.js';
import { STEP_SPELLING } from './step-spelling.js';

/** Of strategies whose options a program nests. */
const NESTED: Readonly<Record<string, Spelling>> = { STEP: STEP_SPELLING, 'RTI-DP': RTI_DP_SPELLING };

/** Programs that spell no strategy do without it: what a strategy is made of does not name it. */
export function spellingOf({ name, options }: Pick<StrategyDefinition, 'name'> & { readonly options: OptionTable }): Spelling {
  const nested = NESTED[name];
  if (nested) return nested;
  const words = Object.entries(options).flatMap(([key, { help, read }]) => (read === undefined ? [] : [[key, { help, read }] as const]));
  return { words: Object.fromEntries(words), build: (values) => values };
}
