/** What a link to an episode says. */
export interface Linked {
  readonly seed: number;
  readonly strategy: string;
  /** Address of the policy; undefined: the bundled one. */
  readonly policy: string | undefined;
}

/** Reads the end of an address, as `writeLink` wrote it; what is not there, or is no seed, is left at what is usual. */
export function readLink(hash: string, usual: Linked): Linked {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const seed = Number(values.get('seed') ?? usual.seed);
  return {
    seed: Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : usual.seed,
    strategy: values.get('strategy') ?? usual.strategy,
    policy: values.get('policy') ?? usual.policy,
  };
}

export function writeLink({ seed, strategy, policy }: Linked): string {
  return `#${new URLSearchParams({ seed: String(seed), strategy, ...(policy === undefined ? {} : { policy }) })}`;
}
