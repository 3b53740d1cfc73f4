/**
 * Milliseconds of processor time that this process spent, all threads, from here on to each call of what is returned. Bounds on work are on this and not on the clock,
 * which runs on while others have the cores; a wait for a timer or another process is none of it.
 */
export function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
