import type { Policy } from '../../src/policy/policy.js';
import { encodeMessage, type Packable } from '../../src/server/msgpack/encode.js';
import { NdArray } from '../../src/server/nd-array.js';
import type { ServedPolicy } from '../../src/server/served-policy.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

/** What a client sends. */
export const CASES = {
  state: { name: 'a state', cameras: 0 },
  pictures: { name: 'two pictures', cameras: 2 },
} as const;
export type Case = keyof typeof CASES;

const HEIGHT = 480;
const WIDTH = 640;
const CAMERAS = ['observation.images.left', 'observation.images.right'];
const ACTION_ROWS = 8;
const ACTION_DIM = 14;

const STATE: ObservationInfo = { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 14 };

function camera(name: string): ObservationInfo {
  return { kind: 'image', name, feature: name, height: HEIGHT, width: WIDTH, channels: 3, features: 64 };
}

/** An observation as openpi's client sends it. */
export function messageOf(which: Case): Uint8Array {
  const state = NdArray.ofFloats(new Float32Array(14), [14]);
  const picture = new NdArray('|u1', [HEIGHT, WIDTH, 3], new Uint8Array(HEIGHT * WIDTH * 3).fill(7));
  const images: Readonly<Record<string, Packable>> = CASES[which].cameras === 0 ? {} : { images: { left: picture, right: picture } };
  return encodeMessage({ 'observation/state': state, ...images });
}

/** As many bytes as an answer has. */
export function answerBytes(): Uint8Array {
  return encodeMessage({ actions: NdArray.ofFloats(new Float32Array(ACTION_ROWS * ACTION_DIM), [ACTION_ROWS, ACTION_DIM]) });
}

/** A policy that reads such observations and always decides the same, at once. */
export function instantPolicy(which: Case): Policy {
  const actions = new Float32Array(ACTION_ROWS * ACTION_DIM);
  const policy = {
    info: {
      name: 'instant',
      observations: [STATE, ...CAMERAS.slice(0, CASES[which].cameras).map(camera)],
      observationSteps: 2,
      actionSteps: ACTION_ROWS,
      actionDim: ACTION_DIM,
      horizon: 16,
      strategy: 'none',
      precision: 'f32',
      adapter: { description: 'none' },
    },
    beginEpisode: () => ({}),
    warmup: async () => {},
    reload: async () => {},
    decideAllSettled: async (requests: readonly unknown[]) =>
      requests.map(() => ({ status: 'fulfilled', value: { actions, latencyMs: 0 } })),
  };
  return policy as unknown as ServedPolicy as Policy;
}
