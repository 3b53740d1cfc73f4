import { describe, expect, it } from 'vitest';
import { RecordingError, type RepeatedDecision, type ReplayPolicy, replayDecisions } from '../../src/entries/recording.js';
import { checkWindow } from '../../src/observations/check.js';
import type { Picture } from '../../src/observations/picture.js';
import { MessageReader } from '../../src/recording/message-reader.js';
import type { LoopRecording } from '../../src/recording/recording.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';
import { read, recordedLoop, repeater } from '../support/recorded-loop.js';

const CAMERA: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'state', feature: 'observation.state', size: 1 },
  { kind: 'image', name: 'image', feature: 'observation.image', height: 4, width: 6, channels: 3, features: 8 },
];
const STEPS = 2;
const FITS = ['crop', 'pad', 'stretch'] as const;

/** A camera of 5×8 pixels before a policy that reads 4×6, every tick by another fit, as bytes or as floats. */
const another = (isFloat: boolean) => (tick: number) => {
  const bytes = Uint8Array.from({ length: 120 }, (_, i) => (i * 7 + tick) % 256);
  return {
    state: [tick],
    image: { data: isFloat ? Float32Array.from(bytes, (byte) => byte / 255) : bytes, height: 5, width: 8, fit: FITS[tick % 3] as 'pad' },
  };
};

/** Checks its windows as a policy does, and keeps the pictures of those that it took. */
function checking(info: ReplayPolicy['info']): ReplayPolicy & { readonly taken: Picture[][] } {
  const honest = repeater(info as Parameters<typeof repeater>[0]);
  const taken: Picture[][] = [];
  return {
    info,
    taken,
    decide: async (window, options) => {
      taken.push(checkWindow(info.observations, window, STEPS, 'decide').flatMap(({ pictures }) => pictures));
      return honest.decide(window, options);
    },
  };
}

async function repeated(recording: LoopRecording, policy: ReplayPolicy): Promise<RepeatedDecision[]> {
  const all: RepeatedDecision[] = [];
  for await (const one of replayDecisions(recording, policy)) all.push(one);
  return all;
}

describe('pictures of another size than the policy reads', () => {
  it.each([
    ['bytes', false],
    ['floats', true],
  ])('are recorded with their fit, and their decisions repeated: %s', async (_, isFloat) => {
    const { file, simulation } = await recordedLoop(30, { info: { observations: CAMERA }, observe: another(isFloat) });
    const recording = await read(file.bytes);
    expect([...recording.pictures.values()].map(({ fit }) => fit)).toEqual(
      Array.from({ length: 31 }, (_, picture) => another(isFloat)(Math.max(0, picture - 1)).image.fit),
    );
    const policy = checking(simulation.loop.info);
    const all = await repeated(recording, policy);
    expect(all.length).toBeGreaterThan(2);
    expect(all.map(({ outcome }) => outcome)).toEqual(all.map(() => 'same'));
    const decidedOn = simulation.source.windows.map(({ image }) => (image as unknown as Picture[]).map(({ fit }) => fit));
    expect(policy.taken.map((pictures) => pictures.map(({ fit }) => fit))).toEqual(decidedOn.slice(0, all.length));
  });

  it('leave their decision alone out where the fit is missing, and say why', async () => {
    const { file, simulation } = await recordedLoop(30, { info: { observations: CAMERA }, observe: another(false) });
    const recording = await read(file.bytes);
    const [id] = recording.decisions[1]?.pictures.get('image') as readonly number[];
    const { fit: _, ...bare } = recording.pictures.get(id as number)!;
    const spoilt = { ...recording, pictures: new Map([...recording.pictures, [id as number, bare]]) };
    const [first, second, ...rest] = await repeated(spoilt, checking(simulation.loop.info));
    expect(second).toMatchObject({ outcome: 'not repeatable', why: expect.stringMatching(/"image" must be an image of 4×6 .* 5×8/) });
    expect(rest.length).toBeGreaterThan(0);
    expect([first, ...rest].map((one) => one?.outcome)).toEqual(['same', ...rest.map(() => 'same')]);
  });

  it('of the size that the policy reads have none', async () => {
    const observe = (tick: number) => ({ state: [tick], image: { data: new Uint8Array(72), height: 4, width: 6, fit: 'pad' as const } });
    const { file } = await recordedLoop(5, { info: { observations: CAMERA }, observe });
    expect([...(await read(file.bytes)).pictures.values()].some((picture) => 'fit' in picture)).toBe(false);
  });

  it('with a fit that there is not are refused', () => {
    const message = { height: 1, width: 1, encoding: 'rgb8', picture: 0, data: 'AAAA' };
    const take = (fields: object): void => {
      const reader = new MessageReader();
      const channel = { messageEncoding: 'json', schemaId: 1, metadata: new Map() };
      reader.take({ type: 'Channel', id: 1, topic: '/image/image', ...channel });
      const data = new TextEncoder().encode(JSON.stringify({ ...message, ...fields }));
      reader.take({ type: 'Message', channelId: 1, sequence: 3, logTime: 0n, publishTime: 0n, data });
    };
    expect(() => take({ fit: 'crop' })).not.toThrow();
    for (const fit of ['squeeze', 1, null]) {
      expect(() => take({ fit })).toThrow(RecordingError);
      expect(() => take({ fit })).toThrow(/message 3 of \/image\/image: expected a fit of stretch, pad, crop, found/);
    }
  });
});

it('an error that is not about the window ends the replay', async () => {
  const { file, simulation } = await recordedLoop(20);
  const lost = new Error('lost');
  const policy = { info: simulation.loop.info, decide: () => Promise.reject(lost) };
  await expect(repeated(await read(file.bytes), policy)).rejects.toBe(lost);
});
