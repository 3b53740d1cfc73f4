import { describe, expect, it } from 'vitest';
import { whyMasksAreSlow } from '../../src/sockets/openpi/native-masks.js';

const missing = (): never => {
  throw new Error("Cannot find module 'bufferutil'");
};

describe('masks of messages', () => {
  it.each([
    ['without the package', missing, {}, /bufferutil is not installed: npm install bufferutil/],
    ["with the package's fallback alone", () => ({ unmask: (buffer: Uint8Array) => buffer }), {}, /no native code for this machine/],
    ['with something else of that name', () => ({}), {}, /no native code for this machine/],
    ['where they are told to be', () => ({ unmask: Array.prototype.at }), { WS_NO_BUFFER_UTIL: '1' }, /WS_NO_BUFFER_UTIL is set/],
  ])('are taken off in JavaScript %s', (_, load, env, words) => {
    expect(whyMasksAreSlow(load, env)).toMatch(words);
  });

  it('are taken off in native code where there is some', () => {
    expect(whyMasksAreSlow(() => ({ unmask: Array.prototype.at }), {})).toBeUndefined();
  });
});
