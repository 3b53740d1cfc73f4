const WIDTH = 24;

/** How far an evaluation is, on one line. `fraction` counts running episodes by their ticks. */
export function progressLine(name: string, done: number, total: number, fraction: number, elapsedMs: number): string {
  const filled = Math.round(WIDTH * fraction);
  const left = fraction > 0.02 ? `, ${duration((elapsedMs * (1 - fraction)) / fraction)} left` : '';
  return `${name}  ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}  ${done} of ${total} episodes${left}`;
}

/** 95,000 → "1:35". */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
