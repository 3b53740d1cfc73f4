import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource, SafetensorsFile } from '../../src/entries/checkpoints.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import type { CaseReport } from '../../src/verification/case-report.js';
import { verifyTraces } from '../../src/verification/traces/verify-traces.js';
import { useTestDevice } from '../support/device.js';

const FILE = 'scheduler-traces.json';
const TEXT = readFileSync(new URL(`../goldens/methods/${FILE}`, import.meta.url), 'utf8');

type Json = Record<string, unknown>;
interface TraceJson extends Json {
  name: string;
  config: Json;
  timesteps: number[];
  expected: { float64: number[][]; x0_float64?: number[][] };
}

const device = useTestDevice();

function verify(text: string): Promise<CaseReport> {
  return verifyTraces(memorySource('traces', { [FILE]: new TextEncoder().encode(text) }), FILE, device());
}

/** The recorded traces with these names, changed. */
function changed(names: readonly string[], change: (trace: TraceJson) => void): string {
  const { traces } = JSON.parse(TEXT) as { traces: TraceJson[] };
  const chosen = traces.filter(({ name }) => names.includes(name));
  chosen.forEach(change);
  return JSON.stringify({ traces: chosen });
}

const failed = ({ tensors }: CaseReport): string[] => tensors.filter(({ pass }) => !pass).map(({ name }) => name);

describe('recorded schedulers of diffusers, on the device', () => {
  it('all but one are run, step by step, and agree; the one is named with its reason', async () => {
    const report = await verify(TEXT);
    expect(failed(report)).toEqual([]);
    expect(report.pass).toBe(true);
    expect(report.tensors.filter(({ name }) => name.endsWith('.timesteps'))).toHaveLength(94);
    expect(report.leftOut).toEqual([
      expect.stringMatching(/^dpm-plain-dpmsolver-sigma-min-8: algorithmType must be dpmsolver\+\+ or sde-dpmsolver\+\+, found dpmsolver/),
    ]);
    const { tensors } = await SafetensorsFile.open(await memorySource('', { dump: report.dump }).open('dump'));
    expect(tensors.get('ddim-leading-4.timesteps')).toMatchObject({ dtype: 'I64', shape: [4] });
    expect(tensors.get('ddim-leading-4.float64')).toMatchObject({ dtype: 'F32', shape: [4, 2, 2, 2] });
    expect(tensors.get('ddpm-threshold.x0_float64')).toMatchObject({ dtype: 'F32', shape: [4, 2, 4, 2] });
    expect(tensors.has('dpm-4.x0_float64')).toBe(false);
  });

  it('sees another sample, another x̂0 and another timestep', async () => {
    const names = ['ddim-leading-4', 'ddpm-4', 'dpm-4'];
    const report = await verify(
      changed(names, ({ expected, timesteps, name }) => {
        if (name === 'ddim-leading-4') (expected.float64[2] as number[])[1]! += 3e-5;
        if (name === 'ddpm-4') (expected.x0_float64?.[1] as number[])[0]! += 3e-5;
        if (name === 'dpm-4') timesteps[1]!++;
      }),
    );
    expect(failed(report)).toEqual(['ddim-leading-4.float64', 'ddpm-4.x0_float64', 'dpm-4.timesteps']);
  });

  it('sees another reading of the configuration', async () => {
    const other = async (name: string, config: Json): Promise<string[]> =>
      failed(await verify(changed([name], (trace) => Object.assign(trace.config, config))));
    expect(await other('ddim-threshold-0.9-1.5', { thresholding: false })).not.toEqual([]);
    expect(await other('ddim-offset-1', { steps_offset: 0 })).toContain('ddim-offset-1.timesteps');
    expect(await other('dpm-karras-8', { use_karras_sigmas: false })).toContain('dpm-karras-8.timesteps');
    expect(await other('dpm-order3-8', { solver_order: 2 })).toEqual(['dpm-order3-8.float64']);
    expect(await other('ddim-v_prediction-2', { prediction_type: 'epsilon' })).not.toEqual([]);
  });
});

describe('what is no file of traces is refused', () => {
  const refuse = async (change: (trace: TraceJson & Json) => void, message: RegExp): Promise<void> => {
    const error: unknown = await verify(changed(['ddim-leading-2'], change)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(message);
  };

  it.each<[string, (trace: TraceJson & Json) => void, RegExp]>([
    [
      'another scheduler',
      (trace) => (trace['scheduler'] = 'UNIPC'),
      /trace "ddim-leading-2": "scheduler" must be one of DDIM, DDPM, DPMSOLVER, found "UNIPC"/,
    ],
    ['more steps than outputs', (trace) => Object.assign(trace, { steps: 3, timesteps: [2, 1, 0] }), /"model_output" must be 3 lists/],
    ['a shape of two', (trace) => (trace['shape'] = [2, 4]), /"shape" must be \[samples, length, channels\]/],
    ['values of another size', (trace) => (trace['x'] = [1, 2]), /"x" must have lists of 8 numbers, found 2/],
    ['a value that is none', (trace) => ((trace['x'] as unknown[])[3] = null), /"x" must have numbers, found null at 3/],
    [
      'an unknown schedule of betas alone',
      (trace) => (trace.config['beta_schedule'] = 'cosine'),
      /none of its 1 traces can be run.*beta_schedule/,
    ],
  ])('%s', (_, change, message) => refuse(change, message));

  it('two traces of one name, none, and no JSON', async () => {
    const twice = JSON.parse(changed(['ddim-leading-2'], () => {})) as { traces: TraceJson[] };
    await expect(verify(JSON.stringify({ traces: [...twice.traces, ...twice.traces] }))).rejects.toThrow('is there twice');
    await expect(verify('{"traces":[]}')).rejects.toThrow('at least one trace');
    await expect(verify('{"traces":')).rejects.toThrow(CheckpointError);
  });
});
