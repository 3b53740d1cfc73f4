import { readFileSync, statSync } from 'node:fs';

/**
 * The bytes of a file of moderate size. What is no regular file is refused: a pipe would be waited for, a device may never end.
 * @throws Error that says why it cannot be read, for the caller to say of what.
 */
export function readRegularFile(path: string, mostBytes: number): Buffer {
  const found = statSync(path);
  if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no regular file');
  if (found.size > mostBytes) throw new Error(`it has ${found.size} bytes, at most ${mostBytes} are read`);
  return readFileSync(path);
}
