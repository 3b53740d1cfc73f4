import { describe, expect, it } from 'vitest';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { newRows } from '../../src/runtime/rows.js';
import { ParameterLayout } from '../../src/training/plan/parameter-layout.js';
import { Scratch } from '../../src/training/plan/scratch.js';
import { addSmallEncoderRequests, smallEncoderParameters } from '../../src/training/small-encoder/parameters.js';
import { recordSmallEncoderBackward, recordSmallEncoderForward } from '../../src/training/small-encoder/record.js';
import type { PassRecorder } from '../../src/training/unet/layers.js';
import type { ParameterRequests } from '../../src/training/unet/parameters.js';

const SHAPE = { features: 8 };
const SIDES = { height: 13, width: 17 };

function layoutOf(): ParameterLayout {
  const requests: ParameterRequests = { matrices: [], vectors: [] };
  addSmallEncoderRequests(requests, SHAPE);
  return new ParameterLayout(1 << 27, requests.matrices, requests.vectors);
}

describe('the passes of the small encoder', () => {
  it('train every parameter once, whatever the number of pictures, and make no gradient of these', () => {
    const builder = new PlanBuilder('software');
    const layout = layoutOf();
    const [weights, gradients] = ['weights', 'gradients'].map((name) => builder.buffer(name, (layout.arenas[0] as number) * 4));
    if (!weights || !gradients) throw new Error('no buffers');
    const bound = <Block extends { readonly offset: number; readonly elements: number }>(block: Block) => {
      const place = { offset: block.offset * 4, bytes: block.elements * 4 };
      return { ...block, weight: { buffer: weights, ...place }, gradient: { buffer: gradients, ...place } };
    };
    const step = builder.buffer('step', 64);
    const recorder = {
      builder,
      parameters: {
        isFrozen: false,
        matrix: (key: string) => bound(layout.matrix(key)),
        vectors: (key: string) => bound(layout.vectors(key)),
      },
      step,
      scratch: new Scratch(builder),
    } as unknown as PassRecorder;
    const pictures = newRows(builder, 'pictures', 12, SIDES.height * SIDES.width, 3);
    const features = newRows(builder, 'features', 12, 1, SHAPE.features);
    builder.segment('forward');
    const tape = recordSmallEncoderForward(recorder, { rows: pictures, ...SIDES }, features);
    builder.segment('backward');
    recordSmallEncoderBackward(recorder, tape, newRows(builder, 'gradients of features', 12, 1, SHAPE.features));

    const dispatches = builder.segments.flatMap((segment) => segment.dispatches);
    const written = dispatches.flatMap(({ kernel, bindings }) => bindings.filter((_, i) => kernel.bindings[i]?.access === 'read_write'));
    expect(written.some(({ buffer }) => buffer === pictures.buffer)).toBe(false);
    // The first of four convolutions has no input gradient.
    expect(dispatches.filter(({ kernel }) => kernel.label.startsWith('map_product backwards')).length).toBe(3);
    const trained = written.filter(({ buffer }) => buffer === gradients).map(({ offset = 0 }) => offset / 4);
    const blocks = smallEncoderParameters(SHAPE).map(({ name }) => {
      const key = name.replace(/\.(weight|bias)$/, '');
      return name.endsWith('weight') ? layout.matrix(key).offset : layout.vectors(key).offset;
    });
    expect([...trained].sort((a, b) => a - b)).toEqual([...blocks].sort((a, b) => a - b));
  });

  it('want features in fours', () => {
    const requests: ParameterRequests = { matrices: [], vectors: [] };
    expect(() => addSmallEncoderRequests(requests, { features: 10 })).toThrow('embed_dim: training needs a multiple of 4, found 10');
  });
});
