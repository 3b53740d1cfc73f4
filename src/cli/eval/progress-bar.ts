const WIDTH = 24;

/** Below this share of the work, its speed says little about the rest. */
const LEAST_SHARE = 0.02;

/**
 * How far an evaluation is, on one line. `fraction` counts running episodes by their ticks; `share` is the part of it that
 * took `elapsedMs`: what a journal brought took no time.
 */
export function progressLine(name: string, done: number, total: number, fraction: number, share: number, elapsedMs: number): string {
  const filled = Math.round(WIDTH * fraction);
  const left = share > LEAST_SHARE ? `, ${duration((elapsedMs * (1 - fraction)) / share)} left` : '';
  return `${name}  ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}  ${done} of ${total} episodes${left}`;
}

/** 95,000 → "1:35". */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
