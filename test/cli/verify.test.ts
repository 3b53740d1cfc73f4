import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSafetensors, memorySource, SafetensorsFile } from '../../src/entries/checkpoints.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';
import { tensorsOf } from '../support/changed-checkpoint.js';

const CASE = repositoryPath('test/goldens/state-bias-film');

interface Verification {
  readonly pass: boolean;
  readonly cases: { name: string; pass: boolean; tensors?: { name: string; pass: boolean }[] }[];
}

describe('warmstep verify', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-verify-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('passes on a case of the reference, and writes what it computed', async () => {
    const dump = join(folder, 'dump');
    const { pass, cases } = await warmstepJson<Verification>('verify', CASE, '--dump', dump);
    expect(pass).toBe(true);
    expect(cases).toMatchObject([{ name: 'state-bias-film', pass: true }]);
    expect(cases[0]?.tensors?.map(({ name }) => name)).toEqual(expect.arrayContaining(['expected.action', 'ticks.expected.action']));

    const files = { dump: new Uint8Array(await readFile(join(dump, 'state-bias-film.safetensors'))) };
    const { tensors } = await SafetensorsFile.open(await memorySource('', files).open('dump'));
    expect(tensors.get('action')).toMatchObject({ dtype: 'F32', shape: [2, 4, 3] });
    expect(tensors.get('sample.0')).toMatchObject({ dtype: 'F32', shape: [2, 8, 3] });
    expect(tensors.get('ticks.action')).toMatchObject({ dtype: 'F32', shape: [13, 3] });
    expect(tensors.get('timesteps')).toMatchObject({ dtype: 'I64', shape: [4] });
  });

  it('takes a file of recorded schedulers in the place of a case', async () => {
    const dump = join(folder, 'traces');
    const { code, stdout } = await warmstep('verify', repositoryPath('test/goldens/methods/scheduler-traces.json'), '--dump', dump);
    expect(code).toBe(0);
    expect(stdout).toContain('scheduler-traces: pass');
    expect(stdout).toContain('left out: dpm-plain-dpmsolver-sigma-min-8: algorithmType must be');
    const files = { dump: new Uint8Array(await readFile(join(dump, 'scheduler-traces.safetensors'))) };
    const { tensors } = await SafetensorsFile.open(await memorySource('', files).open('dump'));
    expect(tensors.get('dpm-4.float64')).toMatchObject({ dtype: 'F32', shape: [4, 2, 2, 2] });
  });

  it('fails on the one tensor that is another', async () => {
    const changed = join(folder, 'changed');
    await cp(CASE, changed, { recursive: true });
    const file = join(changed, 'case.safetensors');
    const tensors = await tensorsOf({ case: new Uint8Array(await readFile(file)) }, 'case');
    await writeFile(
      file,
      encodeSafetensors(
        tensors.map((tensor) => (tensor.name === 'expected.action' ? { ...tensor, data: new Float32Array(2 * 4 * 3).fill(0.5) } : tensor)),
      ),
    );

    const { code, stdout } = await warmstep('verify', changed, '--json');
    expect(code).toBe(1);
    const { pass, cases } = JSON.parse(stdout) as Verification;
    expect(pass).toBe(false);
    expect(cases[0]?.tensors?.filter((tensor) => !tensor.pass).map(({ name }) => name)).toEqual(['expected.action']);
  });

  it('refuses a folder that is no case, and goes on with the next', async () => {
    const refused = join(folder, 'refused');
    await cp(join(CASE, 'policy'), join(refused, 'policy'), { recursive: true });
    const { code, stdout } = await warmstep('verify', refused, CASE);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^refused: REFUSED: cannot open ".*case\.json": there is no such file/m);
    expect(stdout).toMatch(/^state-bias-film: pass \(f32 weights\)$/m);
    expect(stdout).toContain('1 of 2 cases pass');
  });

  it('needs a folder', async () => {
    const { code, stderr } = await warmstep('verify');
    expect(code).toBe(2);
    expect(stderr).toContain('the case folder is missing\n`warmstep verify --help`');
  });
});
