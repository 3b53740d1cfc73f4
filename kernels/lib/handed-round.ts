/**
 * Component `row` of a vec4 that is held as the `v<…>` of a slot: the invocation's own where `subgroup` is 1; else that which member
 * `index % subgroup` loaded as its `v<index / subgroup>`, handed round.
 */
export function handedRound(index: number, row: number, subgroup: number): string {
  const component = 'xyzw'[row];
  if (subgroup === 1) return `v${index}.${component}`;
  return `subgroupBroadcast(v${Math.floor(index / subgroup)}.${component}, ${index % subgroup}u)`;
}
