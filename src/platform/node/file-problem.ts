/** What the codes of the operating system mean to who reads a message. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EEXIST: 'a file of that name is in the way',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the system has too many files open',
  EIO: 'the disk reports a read or write error',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the file system is read-only',
  EBUSY: 'it is in use',
};

/** Why a call on a file failed, in words; of codes that are not known, the system's own message. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return PROBLEMS[code ?? ''] ?? message;
}

/** A whole sentence for an error of the system about a file, with its path where it has one; undefined for any other error. */
export function describeFileProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || !Object.hasOwn(PROBLEMS, code)) return undefined;
  return `${path ?? syscall ?? 'a file'}: ${PROBLEMS[code]}.`;
}
