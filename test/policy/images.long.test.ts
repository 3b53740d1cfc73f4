import { beforeAll, describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ObservationError } from '../../src/foundation/errors.js';
import type { Observation } from '../../src/observations/frame.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { useTestDevice } from '../support/device.js';
import { bits, probe } from '../support/golden-policy.js';
import { CAMERAS, FRAME, FRAME_WIDTH, imageObservation, imagePolicy, pixels } from '../support/image-policy.js';
import { randomPredictor } from '../support/random-checkpoint.js';
import { robomimicPolicy } from '../support/robomimic-policy.js';
import { EPSILON } from '../support/toy.js';

const device = useTestDevice();
let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy(imagePolicy(), {
    device: device(),
    probes: ['global_cond'],
  });
});

/** Frames that were encoded meanwhile. */
async function encodedBy(work: () => Promise<unknown>): Promise<number> {
  const before = policy.encodedFrames;
  await work();
  return policy.encodedFrames - before;
}

/** A window of the observations of two ticks, oldest first. */
function window(first: number, second: number): Observation {
  return {
    'observation.state': [first, second].flatMap((salt) => imageObservation(salt)['observation.state'] as number[]),
    ...Object.fromEntries(CAMERAS.map((name, camera) => [name, [pixels(camera, first), pixels(camera, second)]])),
  };
}

describe('a policy with images', () => {
  it('encodes each frame once, in act() as well as in windows that repeat pictures of observe()', async () => {
    policy.reset();
    const { actionSteps } = policy.info;
    // The first frame also stands for the one before it; later decisions read the newest frame and the one before.
    expect(await encodedBy(() => policy.act(imageObservation(0)))).toBe(1);
    for (let tick = 1; tick < actionSteps; tick++) expect(await encodedBy(() => policy.act(imageObservation(tick)))).toBe(0);
    expect(await encodedBy(() => policy.act(imageObservation(actionSteps)))).toBe(2);

    const [first, second] = [await policy.observe(imageObservation(20)), await policy.observe(imageObservation(21))];
    const both = (name: string): unknown[] => [first[name], second[name]];
    const observed = {
      'observation.state': both('observation.state').flatMap((values) => [...(values as Float32Array)]),
      ...Object.fromEntries(CAMERAS.map((name) => [name, both(name)])),
    } as Observation;
    expect(
      await encodedBy(() =>
        policy.decideAll([
          { window: observed, previous: [] },
          { window: observed, previous: [] },
        ]),
      ),
    ).toBe(0);
  });

  it('gives a frame the same features whatever is encoded beside it', async () => {
    const requests = [0, 1, 2].map((salt) => ({ window: window(salt, salt + 1), previous: [] }));
    // Seeded noise depends on the place in the list.
    const noise = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const one = await Promise.all(requests.map(async (request) => bits((await policy.decideAll([{ ...request, noise }]))[0] as Decision)));
    const together = await policy.decideAll(requests.map((request) => ({ ...request, noise })));
    expect(together.map((decision) => bits(decision))).toEqual(one);
  });

  it('takes bytes interleaved, with alpha and in planes with the same bits, and floats within rounding', async () => {
    const { height, width } = FRAME;
    const count = height * width;
    const planes = (bytes: Uint8Array): Uint8Array => bytes.map((_, i) => bytes[(i % count) * 3 + Math.floor(i / count)] as number);
    const withAlpha = (bytes: Uint8Array): Uint8ClampedArray =>
      Uint8ClampedArray.from({ length: 4 * count }, (_, i) => (i % 4 === 3 ? 99 : (bytes[Math.floor(i / 4) * 3 + (i % 4)] as number)));
    const conditioning = async (image: (bytes: Uint8Array, camera: number) => unknown): Promise<Float32Array> => {
      const given = {
        'observation.state': [0, 0, 0, 0],
        ...Object.fromEntries(CAMERAS.map((name, i) => [name, [image(pixels(i, 5), i), image(pixels(i, 6), i)]])),
      } as Observation;
      return probe(await policy.decide(given, { previous: [] }), 'global_cond');
    };
    const plain = await conditioning((bytes) => bytes);
    expect(await conditioning((data) => ({ data: withAlpha(data), height, width }))).toEqual(plain);
    expect(await conditioning((bytes) => ({ data: planes(bytes), height, width, layout: 'chw' }))).toEqual(plain);
    const floats = (bytes: Uint8Array): Float32Array => Float32Array.from(planes(bytes), (value) => value / 255);
    for (const found of [await conditioning(floats), await conditioning((bytes, camera) => (camera === 0 ? bytes : floats(bytes)))]) {
      found.forEach((value, i) => expect(Math.abs(value - (plain[i] as number))).toBeLessThan(1e-5));
    }
  });

  it('has the same bits whether its frames were encoded before or on the way, all or some of them, alone or in a fleet', async () => {
    // Without inner values, which are read back on their own.
    const plain = await loadPolicy(imagePolicy(), { device: device() });
    const noise = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const named = (first: Observation, second: Observation): Observation =>
      ({
        'observation.state': [first, second].flatMap((one) => [...(one['observation.state'] as Float32Array)]),
        ...Object.fromEntries(CAMERAS.map((name) => [name, [first[name], second[name]]])),
      }) as Observation;
    const decide = async (given: Observation): Promise<readonly number[]> => bits(await plain.decide(given, { previous: [], noise }));
    const onTheWay = await decide(window(31, 32));
    const [older, newer] = [await plain.observe(imageObservation(31)), await plain.observe(imageObservation(32))];
    expect(await decide(named(older, newer))).toEqual(onTheWay);
    // The usual case: all but the newest frame are known.
    expect(await decide(named(older, imageObservation(32) as Observation))).toEqual(onTheWay);
    expect(await decide(named(imageObservation(31) as Observation, newer))).toEqual(onTheWay);
    const fleet = [window(31, 32), window(32, 33), named(older, newer)].map((one) => ({ window: one, previous: [], noise }));
    const together = (await plain.decideAll(fleet)).map((decision) => bits(decision));
    expect([together[0], together[2]]).toEqual([onTheWay, onTheWay]);
    expect(together[1]).toEqual(await decide(window(32, 33)));
    expect(together[1]).not.toEqual(onTheWay);
    await plain.dispose();
  });

  it('fits images of another size on the device: what is cut away or added changes nothing else', async () => {
    const { height, width } = FRAME;
    const [more, less] = [width + 10, width - 16];
    /** A picture with other columns: of column c of the result, column c + shift of the original, where that is. */
    const columns = (bytes: Uint8Array, wanted: number, shift: number): Uint8Array =>
      Uint8Array.from({ length: 3 * height * wanted }, (_, i) => {
        const [row, column] = [Math.floor(i / (3 * wanted)), (Math.floor(i / 3) % wanted) + shift];
        return column < 0 || column >= width ? 0 : (bytes[(row * width + column) * 3 + (i % 3)] as number);
      });
    const seen = async (image: (bytes: Uint8Array, camera: number) => unknown): Promise<Float32Array> => {
      const given = {
        'observation.state': [0, 0, 0, 0],
        ...Object.fromEntries(CAMERAS.map((name, i) => [name, [image(pixels(i, 5), i), image(pixels(i, 6), i)]])),
      } as Observation;
      return probe(await policy.decide(given, { previous: [] }), 'global_cond');
    };
    const plain = await seen((bytes) => bytes);
    const wide = (bytes: Uint8Array): object => ({ data: columns(bytes, more, -5), height, width: more, fit: 'crop' });
    expect(await seen(wide)).toEqual(plain);
    // Cameras may deliver other sizes than each other.
    expect(await seen((bytes, camera) => (camera === 0 ? bytes : wide(bytes)))).toEqual(plain);
    // Narrower ones in the middle of black, as if the camera had delivered that.
    const narrow = (bytes: Uint8Array): Uint8Array => columns(bytes, less, 8);
    const padded = (bytes: Uint8Array): Uint8Array => {
      const within = narrow(bytes);
      return Uint8Array.from({ length: 3 * height * width }, (_, i) => {
        const [row, column] = [Math.floor(i / (3 * width)), (Math.floor(i / 3) % width) - 8];
        return column < 0 || column >= less ? 0 : (within[(row * less + column) * 3 + (i % 3)] as number);
      });
    };
    const black = await seen(padded);
    expect(black).not.toEqual(plain);
    expect(await seen((bytes) => ({ data: narrow(bytes), height, width: less, fit: 'pad' }))).toEqual(black);
    const stretched = await seen((bytes) => ({ data: bytes, height, width, fit: 'stretch' }));
    expect(stretched).toEqual(plain);
    await expect(seen((bytes) => ({ data: columns(bytes, more, -5), height, width: more }))).rejects.toThrow(
      /found one of 36×57\. Resize the frame/,
    );
    await expect(seen((bytes) => ({ data: bytes, height: 10_000, width: 10_000, fit: 'pad' }))).rejects.toThrow(
      /whole numbers from 1 to 8192/,
    );
    await expect(seen((bytes) => ({ data: bytes, height: 8000, width: 8000, fit: 'pad' }))).rejects.toThrow(/cut short/);
    await expect(seen((bytes) => ({ data: bytes, height, width, fit: 'zoom' }))).rejects.toThrow(/the fit zoom.*"stretch", "pad", "crop"/);
  });

  it('refuses a bad frame and leaves the episode as it was', async () => {
    const [episode, undisturbed] = [policy.beginEpisode(), policy.beginEpisode()];
    for (let tick = 0; tick < 5; tick++) {
      const good = imageObservation(tick);
      const bad = { ...good, [CAMERAS[1]]: (good[CAMERAS[1]] as Uint8Array).subarray(0, 100) };
      await expect(policy.act(bad, { episode })).rejects.toThrow(ObservationError);
      await expect(policy.observe(bad)).rejects.toThrow(ObservationError);
      expect(await policy.act(good, { episode })).toEqual(await policy.act(good, { episode: undisturbed }));
    }
  });

  it('encodes what denoise() reads', async () => {
    const schedule = ddimSchedule({ ...EPSILON, steps: 2 });
    const request = { window: window(8, 9), sample: new Float32Array(16), schedule };
    expect(await encodedBy(async () => expect(await policy.denoise([request])).toHaveLength(1))).toBe(2);
  });

  it('starts from the prediction of a STEP predictor that reads its own features', async () => {
    const predictor = randomPredictor({
      actionDim: 2,
      observationDim: FRAME_WIDTH,
      horizon: 8,
      observationSteps: 2,
      historySteps: 4,
      encoderLayers: 1,
      decoderLayers: 1,
      modelDim: 16,
      heads: 2,
      feedforwardDim: 32,
    });
    const decisions: Decision[] = [];
    const step = await loadPolicy(imagePolicy(), {
      device: device(),
      networks: { predictor: predictor.source },
      strategy: { name: 'STEP', budget: 1, coldStart: { steps: 2 } },
      onDecision: (decision) => void decisions.push(decision),
    });
    for (let tick = 0; tick < 4; tick++) await step.act(imageObservation(tick));
    expect(decisions.map(({ warm, evaluations }) => [warm, evaluations])).toEqual([
      [false, 2],
      [true, 1],
    ]);
    expect(step.encodedFrames).toBe(3);
    await step.dispose();
  });
});

it('a Diffusion Policy checkpoint of the same weights decides the same', async () => {
  const original = await loadPolicy(await robomimicPolicy(), { device: device() });
  const [expected, found] = await Promise.all([policy, original].map((one) => one.decide(window(1, 2), { previous: [] })));
  expect(original.info.observations.map(({ name }) => name)).toEqual([...CAMERAS, 'observation.state']);
  const largest = Math.max(...expected!.chunk.map(Math.abs));
  // Sums over the conditioning have another order.
  found!.chunk.forEach((value, i) => {
    expect(Math.abs(value - (expected!.chunk[i] as number))).toBeLessThan(1e-5 * largest);
  });
  await original.dispose();
});
