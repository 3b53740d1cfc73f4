import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { golden, goldenFiles } from '../support/folders.js';
import { readTensors } from '../support/read-tensors.js';

const pictures = useTestDevice();
const FOLDER = 'methods/bridger-sde-cvae';

it('the CVAE with pictures of the STEP release agrees alone: features, condition and prediction', async () => {
  const folder = 'methods/bridger-cvae-image';
  const sources = { golden: golden(folder), predictor: golden(`${folder}/predictor`) };
  const { tensors } = await verifyCase(sources, pictures(), 'f32');
  expect(tensors.filter((tensor) => !tensor.pass)).toEqual([]);
  expect(tensors.map(({ name }) => name).sort()).toEqual(['expected.cond', 'expected.features', 'expected.prediction']);
});

// Without its losses; those, and the other case, are in the long tests.
describe("a case of BRIDGER's SDE from a CVAE's prior", () => {
  const device = useTestDevice();

  it('agrees in every tensor of both forms, and all of them are dumped', async () => {
    const { 'losses.json': _losses, ...files } = goldenFiles(FOLDER);
    const sources = {
      golden: memorySource('case', files),
      network: async () => golden(`${FOLDER}/network`),
      prior: golden(`${FOLDER}/prior`),
    };
    const { tensors, dump } = await verifyCase(sources, device(), 'f32');
    expect(tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(tensors).toHaveLength(39);
    const dumped = await readTensors(dump);
    expect([...dumped.keys()].sort()).toEqual(tensors.map(({ name }) => name.replace('expected.', '')).sort());
    expect(dumped.get('bs.sample')).toMatchObject({ dtype: 'F32', shape: [4, 2, 16, 2] });
  });
});
