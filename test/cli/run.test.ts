import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Recording, readRecording } from '../../src/cli/recording.js';
import { encodeSafetensors, memorySource, SafetensorsFile } from '../../src/entries/checkpoints.js';
import { loadPolicy } from '../../src/platform/node/index.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';

const POLICY = repositoryPath('test/goldens/step-forward-noise/policy');
const PREDICTOR = repositoryPath('test/goldens/step-forward-noise/predictor');
const BUNDLED = repositoryPath('checkpoints/pusht-state');
const TICKS = 10;
const FEATURES = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
  { kind: 'vector', name: 'observation.environment_state', feature: 'observation.environment_state', size: 16 },
] as const;

interface RunReport {
  readonly strategy: string;
  readonly decisions: number;
  readonly evaluations: number[];
  readonly latencyMs: Record<string, { count: number }>;
  readonly ignored: string[];
}

describe('warmstep run', () => {
  let folder: string;
  /** The first ticks of the bundled episode, under the names of the features, and one tensor that no policy reads. */
  let episode: string;
  let recording: Recording;
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-run-'));
    recording = await readRecording(`${BUNDLED}/recorded-episode.safetensors`, FEATURES);
    episode = file('episode.safetensors');
    await writeFile(
      episode,
      encodeSafetensors([
        ...FEATURES.map(
          ({ name, size }) =>
            ({ name, dtype: 'F32', shape: [TICKS, size], data: recording.features.get(name)!.values.slice(0, TICKS * size) }) as const,
        ),
        { name: 'observation.temperature', dtype: 'F32', shape: [TICKS, 1], data: new Float32Array(TICKS) },
      ]),
    );
  });

  afterAll(() => rm(folder, { recursive: true }));

  const actions = async (name: string): Promise<Float32Array> => {
    const bytes = new Uint8Array(await readFile(file(name)));
    const written = await SafetensorsFile.open(await memorySource('output', { output: bytes }).open('output'));
    expect(written.tensors.get('action')).toMatchObject({ dtype: 'F32', shape: [TICKS, 2] });
    return (await written.readFloats('action')).slice();
  };
  const run = (output: string, ...args: string[]): Promise<RunReport> =>
    warmstepJson<RunReport>('run', '--policy', POLICY, '--input', episode, '--output', file(output), ...args);

  it('writes one action per tick, by STEP where a predictor is given', async () => {
    const report = await run('step', '--predictor', PREDICTOR);
    expect(report).toMatchObject({
      strategy: 'STEP 2 (forward-noise, cold DDIM 16)',
      decisions: 2,
      evaluations: [16, 2],
      latencyMs: { cold: { count: 1 }, warm: { count: 1 } },
      ignored: ['observation.temperature'],
    });
    expect([...(await actions('step'))].every(Number.isFinite)).toBe(true);
  });

  it('gives the actions of act()', async () => {
    await run('solver', '--strategy', 'ddim:3', '--seed', '7');
    const at =
      (tick: number) =>
      ({ name, size }: (typeof FEATURES)[number]) =>
        [name, recording.features.get(name)!.values.slice(tick * size, (tick + 1) * size)] as const;
    const policy = await loadPolicy(POLICY, { strategy: { name: 'DDIM', steps: 3 }, seed: 7 });
    const expected: number[] = [];
    for (let tick = 0; tick < TICKS; tick++) expected.push(...(await policy.act(Object.fromEntries(FEATURES.map(at(tick))))));
    await policy.dispose();
    expect([...(await actions('solver'))]).toEqual(expected);
  });

  it('repeats itself bit for bit with the same seed, and differs with another', async () => {
    const options = ['--predictor', 'shift', '--strategy', 'step:1/start=eq13'];
    const first = await run('first', ...options, '--seed', '3');
    await run('second', ...options, '--seed', '3');
    await run('other', ...options, '--seed', '4');
    expect(first.strategy).toBe('STEP 1 (eq13, cold DDIM 16)');
    expect(await actions('second')).toEqual(await actions('first'));
    expect(await actions('other')).not.toEqual(await actions('first'));
  });

  it('uses the scheduler of the checkpoint without a predictor, and says what it ignores', async () => {
    const { code, stdout, stderr } = await warmstep('run', '--policy', POLICY, '--input', episode, '--output', file('own'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/strategy +DDIM 2, seed 0/);
    expect(stderr).toContain('the policy does not read "observation.temperature"');
  });

  it('reads a recorded episode under its "ticks.input." names', async () => {
    const options = ['--input', `${BUNDLED}/recorded-episode.safetensors`, '--output', file('bundled'), '--predictor', PREDICTOR];
    const report = await warmstepJson<RunReport>('run', '--policy', POLICY, ...options);
    expect(report.decisions).toBe(24);
    expect(report.evaluations).toEqual([16, ...Array<number>(23).fill(2)]);
  });

  it('names a missing observation, and what the file has instead', async () => {
    await writeFile(
      file('partial'),
      encodeSafetensors([{ name: 'observation.state', dtype: 'F32', shape: [3, 2], data: new Float32Array(6) }]),
    );
    const { code, stderr } = await warmstep('run', '--policy', POLICY, '--input', file('partial'), '--output', file('none'));
    expect(code).toBe(1);
    expect(stderr).toContain('the policy reads "observation.environment_state"');
    expect(stderr).toContain('The file has "observation.state" [3, 2]');
  });

  it.each([
    ['another size', [3, 15], 'must have shape [3, 16], found [3, 15]'],
    ['another number of ticks', [4, 16], 'must have shape [3, 16], found [4, 16]'],
  ])('refuses an observation of %s', async (_, shape, message) => {
    const data = new Float32Array(shape[0]! * shape[1]!);
    await writeFile(
      file('odd'),
      encodeSafetensors([
        { name: 'observation.state', dtype: 'F32', shape: [3, 2], data: new Float32Array(6) },
        { name: 'observation.environment_state', dtype: 'F32', shape, data },
      ]),
    );
    const { code, stderr } = await warmstep('run', '--policy', POLICY, '--input', file('odd'), '--output', file('none'));
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it.each([
    [['--solver', 'DDIM'], '--solver is no option any more: write e.g. --strategy ddim:10'],
    [['--steps', '2'], '--steps is no option any more: write e.g. --strategy ddim:10, or step:2'],
    [['--budget', '2'], '--budget is no option any more: write e.g. --strategy step:2'],
    [['--warm-start', 'eq13'], '--warm-start is no option any more: write e.g. --strategy step:2/start=eq13'],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await warmstep('run', '--policy', POLICY, '--input', episode, '--output', file('none'), ...options);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
