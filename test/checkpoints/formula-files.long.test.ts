import { describe, expect, it } from 'vitest';
import { formulaFile } from '../support/formula-tensors.js';
import { formulaFileOf } from '../support/image-case.js';

describe('weights from formulas', () => {
  it.each([
    'image-bn-separate',
    'image-resize-crop',
    'image-odd',
    'image-large-frame',
    'image-resnet34',
    'step-image',
    'bridger-cvae-image',
  ])('%s: the file has the sha256 that was described', (name) => {
    expect(() => formulaFile(formulaFileOf(name, 'policy/weights.json'))).not.toThrow();
  });
});
