/** A user that owns nothing and that no list of users knows. */
const STRANGER = 54_321;

/** Runs work as somebody without rights on what tests make: as root, who may do anything, for the time of the work. */
export async function asStranger<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(STRANGER);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
