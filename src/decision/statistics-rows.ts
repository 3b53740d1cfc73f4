import type { Normalizer } from '../spec/policy-spec.js';

/** Statistics as kernels read them: four constants of each value. */
export function statisticsRows({ subtract, divide, multiply, add }: Normalizer): number[][] {
  return Array.from(subtract, (_, i) => [subtract[i], divide[i], multiply[i], add[i]] as number[]);
}
