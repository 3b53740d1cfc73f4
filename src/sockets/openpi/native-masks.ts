import { createRequire } from 'node:module';

/** What `ws` takes from bufferutil. */
interface MaskFunctions {
  readonly unmask?: unknown;
}

/** bufferutil as `ws` would find it. @throws where it is not installed. */
function loadBufferutil(): MaskFunctions {
  const ws = createRequire(import.meta.url).resolve('ws');
  return createRequire(ws)('bufferutil') as MaskFunctions;
}

/**
 * Why `ws` takes the masks of messages off byte by byte in JavaScript, which is most of what receiving pictures costs; undefined: it does so in
 * native code. Without a binary for this machine bufferutil falls back to JavaScript, too.
 */
export function whyMasksAreSlow(load: () => MaskFunctions = loadBufferutil, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env['WS_NO_BUFFER_UTIL']) return 'WS_NO_BUFFER_UTIL is set, which keeps ws from using the native package bufferutil';
  let found: MaskFunctions;
  try {
    found = load();
  } catch {
    return 'the native package bufferutil is not installed: npm install bufferutil';
  }
  const isNative = typeof found.unmask === 'function' && /\[native code\]/.test(Function.prototype.toString.call(found.unmask));
  return isNative ? undefined : 'the package bufferutil has no native code for this machine: install it where a compiler is';
}
