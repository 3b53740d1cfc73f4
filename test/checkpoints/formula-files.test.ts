import { describe, expect, it } from 'vitest';
import { elements, type FormulaTensor, formulaBytes, formulaFile, upperWords } from '../support/formula-tensors.js';
import { formulaFileOf } from '../support/image-case.js';

/** Check values of test/goldens/images/README.md. */
const SEED = '0x0123456789abcdef';

function hex(bytes: Uint8Array, width: 2 | 4): string[] {
  const words = width === 4 ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  return [...words].map((word) => word.toString(16).padStart(2 * width, '0'));
}

describe('tensors from formulas', () => {
  it('have the check values of their description', () => {
    const name = 'diffusion.rgb_encoder.backbone.0.weight';
    expect(upperWords(name, SEED, 1)[0]?.toString(16)).toBe('3b39fac3');
    const tensor = { name, dtype: 'F32', shape: [4], kind: 'uniform', offset: 1, scale: 0.2 } as const satisfies FormulaTensor;
    expect(hex(formulaBytes(tensor, SEED), 4)).toEqual(['3f647d97', '3f8d957d', '3f5a2a8a', '3f5797b9']);
    expect(hex(formulaBytes({ ...tensor, dtype: 'F16' }, SEED), 2)).toEqual(['3b24', '3c6d', '3ad1', '3abd']);
    const small = { name: 'model.action_query', dtype: 'F16', shape: [4], kind: 'uniform', scale: 0.1429 } as const;
    expect(hex(formulaBytes(small, SEED), 2)).toEqual(['2478', '2f26', 'ac53', 'a6bf']);
  });

  it('draw the picture of their description', () => {
    const picture = {
      name: 'input.observation.images.top',
      dtype: 'U8',
      shape: [1, 2, 3, 480, 640],
      kind: 'picture',
      layers: [
        [6, 8],
        [4, 5],
        [2, 3],
      ],
      gain: 2,
    } as const satisfies FormulaTensor;
    const pixels = formulaBytes(picture, SEED);
    expect(pixels).toHaveLength(elements(picture));
    expect([...pixels.subarray(0, 8)]).toEqual([162, 150, 136, 124, 110, 128, 146, 164]);
    expect([...pixels.subarray(-8)]).toEqual([154, 162, 168, 178, 184, 164, 142, 122]);
    expect(pixels.reduce((sum, pixel) => sum + pixel, 0)).toBe(237087057);
  });

  it('make whole files whose sha256 is the one that was described', () => {
    // The others are as large as a network: they are checked in the long test.
    for (const [name, path] of [
      ['step-image', 'predictor/weights.json'],
      ['image-large-frame', 'inputs.json'],
      ['bridger-cvae-image', 'inputs.json'],
    ] as const) {
      expect(() => formulaFile(formulaFileOf(name, path)), `${name}/${path}`).not.toThrow();
    }
  });
});
