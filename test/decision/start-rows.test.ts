import { describe, expect, it } from 'vitest';
import { startRows } from '../../src/decision/fits.js';
import { writeVectors } from '../../src/decision/start-rows.js';
import { OptionError } from '../../src/foundation/errors.js';
import type { RawRows } from '../../src/spec/network-shapes.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';

const camera = (name: string, feature = name): ObservationInfo => ({
  kind: 'image',
  name,
  feature,
  height: 4,
  width: 6,
  channels: 3,
  features: 10,
});
/** The second camera is delivered by another name. */
const OBSERVED: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 2 },
  camera('left'),
  camera('wrist camera', 'right'),
  { kind: 'vector', name: 'block', feature: 'observation.environment_state', size: 3 },
];

function rows(change: Partial<RawRows> = {}): RawRows {
  const encoder = { features: 8, height: 4, width: 6, imagenetNorm: false };
  return {
    kind: 'raw',
    cameras: ['right', 'left'],
    vectors: ['observation.environment_state', 'observation.state'],
    encoder,
    width: 21,
    ...change,
  };
}

describe('rows of a start', () => {
  it('are found among what the policy observes, by its own names or by those of the robot', () => {
    const expected = {
      width: 21,
      features: 8,
      cameras: [1, 0],
      // Features of two cameras, ten each, lie between the vectors of a frame.
      vectors: [
        { first: 22, size: 3 },
        { first: 0, size: 2 },
      ],
    };
    expect(startRows(rows(), OBSERVED, 'here')).toEqual(expected);
    expect(startRows(rows({ cameras: ['wrist camera', 'left'], vectors: ['block', 'observation.state'] }), OBSERVED, 'here')).toEqual(
      expected,
    );
    expect(startRows({ kind: 'conditioning' }, OBSERVED, 'here')).toBeUndefined();
  });

  it('have their vectors behind the features', () => {
    const layout = startRows(rows(), OBSERVED, 'here') as NonNullable<ReturnType<typeof startRows>>;
    const row = new Float32Array(21);
    writeVectors(layout, { values: Float32Array.from({ length: 25 }, (_, i) => i), pictures: [] }, row);
    expect([...row]).toEqual([...new Array<number>(16).fill(0), 22, 23, 24, 0, 1]);
  });

  it.each<[string, Partial<RawRows>, readonly ObservationInfo[], RegExp]>([
    [
      'a camera that is not there',
      { cameras: ['top'] },
      OBSERVED,
      /here: it reads the image "top", which the policy does not observe \(left, right\)/,
    ],
    ['a vector by the name of a camera', { vectors: ['left'] }, OBSERVED, /it reads the vector "left"/],
    ['no camera at all', {}, OBSERVED.slice(0, 1), /which the policy does not observe \(it observes none\)/],
    [
      'pictures of other sides',
      { encoder: { features: 8, height: 6, width: 4, imagenetNorm: false } },
      OBSERVED,
      /pictures of 6×4.*has 4×6/,
    ],
    ['another width', { width: 20 }, OBSERVED, /rows have 20 values \(feature_dim\), 2 × 8 features and .* make 21/],
  ])('are refused with %s', (_what, change, observed, message) => {
    const find = (): unknown => startRows(rows(change), observed, 'here');
    expect(find).toThrow(OptionError);
    expect(find).toThrow(message);
  });
});
