import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { GOLDENS } from '../support/golden-cases.js';

describe("cases of BRIDGER's SDE", () => {
  const device = useTestDevice();

  it.each([
    ['bridger-sde', 38],
    ['bridger-sde-cvae', 39],
  ])('%s agrees in every tensor of both forms, and all of them are dumped', async (name, count) => {
    const { tensors, dump, pass } = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), 'f32');
    expect(tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(pass).toBe(true);
    expect(tensors).toHaveLength(count);
    const file = await SafetensorsFile.open(await memorySource('', { dump }).open('dump'));
    expect(file.tensors.get('bs.sample')?.shape).toHaveLength(4);
    expect(file.tensors.get('times')?.dtype).toBe('F32');
  });
});
