import { describe, expect, it } from 'vitest';
import { classifyAdapter } from '../../src/runtime/device-class.js';

describe('the class of an adapter', () => {
  it.each([
    ['NVIDIA GeForce RTX 4090: 550.54.14', false, 'gpu'],
    ['', false, 'gpu'],
    ['llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)', true, 'lavapipe'],
    ['SwiftShader driver', true, 'software'],
    ['Microsoft Basic Render Driver', true, 'software'],
    ['', true, 'software'],
  ] as const)('"%s", fallback: %s, is %s', (description, isFallback, deviceClass) => {
    expect(classifyAdapter({ description, isFallback })).toBe(deviceClass);
  });
});
