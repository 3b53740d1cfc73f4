import { describe, expect, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { imageCase } from '../support/image-case.js';
import { runImageEncoder } from '../support/run-image-encoder.js';

/** As test/goldens/images/README.md says: maps were recorded as f16. */
const MAPS = 1e-3;
/** Everything else. */
const VALUES = 1e-4;

const device = useTestDevice();

describe('image encoders agree with the reference, stage by stage', () => {
  it.each(['image-bn-separate', 'image-resize-crop'])('%s', async (name) => {
    const recorded = await imageCase(name);
    if (!recorded) return;
    const { differences } = await runImageEncoder(device(), recorded);
    console.info(name, [...differences].map(([k, v]) => `${k.slice(17)} ${v.toExponential(1)}`).join(', '));
    expect(differences.size).toBe(20);
    const wrong = [...differences].filter(([key, value]) => !(value <= (key.includes('backbone') ? MAPS : VALUES)));
    expect(wrong).toEqual([]);
  });
});
