/** A moment of a replay, as a link names it. */
export interface ReplayMoment {
  readonly strategy: string;
  readonly seed: number;
  readonly tick: number;
}

/**
 * `#replay=step:2,100003,120`. Names are percent-encoded but for what is readable and safe in them; the viewer of the
 * page writes the same (`client/replay-link.ts`), and a second name after the tick for the strategy beside it.
 */
export function replayHash({ strategy, seed, tick }: ReplayMoment): string {
  const name = encodeURIComponent(strategy).replace(/%(?:3A|2F|3D|2B)/g, decodeURIComponent);
  return `#replay=${name},${seed},${tick}`;
}
