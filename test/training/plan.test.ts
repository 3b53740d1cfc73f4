import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STEP_SCALARS } from '../../kernels/lib/step-scalars.js';
import { chooseGradientCut, chooseProductCut } from '../../src/ops/backward/training-variants.js';
import { DEVICE_CLASSES } from '../../src/runtime/device-class.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { copyParameter, elementCount, ParameterLayout } from '../../src/training/plan/parameter-layout.js';
import { Scratch } from '../../src/training/plan/scratch.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import { UNetBatchPacker } from '../../src/training/unet/batch.js';
import { unetLayout, unetParameters } from '../../src/training/unet/parameters.js';
import { randomBatch, SMALL_UNET, UPDATE } from '../support/unet-training.js';

const goldenCase = (name: string) =>
  JSON.parse(readFileSync(new URL(`../goldens/${name}/case.json`, import.meta.url), 'utf8')) as {
    parameters: { name: string; shape: number[] }[];
  };

describe('the layout of parameters', () => {
  it.each([
    [
      'train-unet-state',
      { actionDim: 2, horizon: 16, downDims: [16, 32, 64], kernelSize: 5, stepEmbedDim: 32, conditioningDim: 36, scaleModulation: true },
    ],
    [
      'train-unet-nofilm',
      { actionDim: 3, horizon: 8, downDims: [24, 48], kernelSize: 3, stepEmbedDim: 24, conditioningDim: 36, scaleModulation: false },
    ],
  ])('has names, shapes and order of the state dict: %s', (name, shape) => {
    expect(unetParameters({ ...shape, groups: 4 })).toEqual(goldenCase(name).parameters);
  });

  it('gives every element of every parameter a place of its own, and the way back', () => {
    const layout = unetLayout(SMALL_UNET, 1 << 20);
    const arenas = layout.arenas.map((elements) => new Float32Array(elements));
    const tensors = new Map<string, Float32Array>();
    let next = 1;
    for (const { name, shape } of unetParameters(SMALL_UNET)) {
      const tensor = Float32Array.from({ length: elementCount(shape) }, () => next++);
      tensors.set(name, tensor);
      const place = layout.place(name);
      expect(place.shape).toEqual(shape);
      copyParameter(place, arenas[place.arena] as Float32Array, tensor, false);
    }
    for (const [name, tensor] of tensors) {
      const place = layout.place(name);
      const back = new Float32Array(tensor.length);
      copyParameter(place, arenas[place.arena] as Float32Array, back, true);
      expect(back).toEqual(tensor);
    }
    // Nothing was written twice: what is not 0 are all the numbers.
    expect(arenas.reduce((sum, arena) => sum + arena.filter((value) => value !== 0).length, 0)).toBe(next - 1);
  });

  it('opens an arena where a binding would become too large, and refuses what no binding holds', () => {
    const matrix = (key: string, outChannels: number) => ({
      key,
      taps: 1,
      inChannels: 4,
      tensors: [{ name: key, outChannels, order: 'out-in' as const }],
    });
    const layout = new ParameterLayout(4096, [matrix('a', 128), matrix('b', 128), matrix('c', 200)], []);
    expect(layout.arenas).toEqual([1024, 832]);
    expect(layout.matrix('b')).toMatchObject({ arena: 0, offset: 512 });
    expect(layout.matrix('c')).toMatchObject({ arena: 1, offset: 0, rowStride: 200, tapStride: 800 });
    expect(() => new ParameterLayout(4096, [matrix('a', 300)], [])).toThrow('a has 1200 values');
    expect(() => layout.matrix('d')).toThrow('no matrix "d"');
  });
});

describe('the 249M network', () => {
  it('fits arenas of the 128 MiB that every device can bind', () => {
    const shape = {
      ...SMALL_UNET,
      actionDim: 10,
      horizon: 16,
      downDims: [512, 1024, 2048],
      kernelSize: 5,
      groups: 8,
      stepEmbedDim: 128,
      conditioningDim: 46,
    };
    const parameters = unetParameters(shape).reduce((sum, { shape: sizes }) => sum + elementCount(sizes), 0);
    const { arenas } = unetLayout(shape, 128 << 20);
    expect(Math.max(...arenas) * 4).toBeLessThanOrEqual(128 << 20);
    const held = arenas.reduce((sum, elements) => sum + elements, 0);
    expect(parameters).toBeGreaterThan(240e6);
    expect(held / parameters, 'padding').toBeLessThan(1.001);
  });
});

describe('step scalars', () => {
  const scalar = (words: Float32Array, name: (typeof STEP_SCALARS)[number]): number => words[STEP_SCALARS.indexOf(name)] as number;

  it('are rounded once, after float64', () => {
    const words = stepUniform({ ...UPDATE, stepNumber: 1 }, 1 / 7, true);
    expect(scalar(words, 'one_minus_beta2')).toBe(Math.fround(0.001));
    expect(scalar(words, 'root_correction2')).toBe(Math.fround(Math.sqrt(1 - 0.999)));
    expect(scalar(words, 'step_size')).toBe(Math.fround(1e-3 / (1 - 0.95)));
    expect(scalar(words, 'decay_factor')).toBe(Math.fround(1 - 1e-4));
    expect(scalar(words, 'coupled_decay')).toBe(0);
    expect(scalar(words, 'one_minus_ema')).toBe(0.5);
    expect(scalar(words, 'accumulate')).toBe(1);
    expect(scalar(words, 'inverse_count')).toBe(Math.fround(1 / 7));
  });

  it('decay in the gradient with adam alone', () => {
    const words = stepUniform({ ...UPDATE, optimizer: 'adam', clipNorm: null }, 1, false);
    expect(scalar(words, 'coupled_decay')).toBe(Math.fround(0.1));
    expect(scalar(words, 'decay_factor')).toBe(1);
    expect(scalar(words, 'clip_norm')).toBe(0);
  });
});

describe('what a step uploads', () => {
  it('pads, counts the rows that count, and scales by the table of the timesteps', () => {
    const packer = new UNetBatchPacker(SMALL_UNET, 3, [0.9, 0.5, 0.25]);
    const batch = { ...randomBatch(SMALL_UNET, 2, 1), timesteps: Int32Array.of(2, 0) };
    const valid = batch.validity?.reduce((sum, flag) => sum + flag, 0) ?? 0;
    const { words, inverseCount } = packer.pack(batch);
    const part = (name: Parameters<UNetBatchPacker['range']>[0]): Float32Array => {
      const { offset, bytes } = packer.range(name);
      return words.subarray(offset / 4, (offset + bytes) / 4);
    };
    expect(inverseCount).toBe(1 / (3 * valid));
    expect(packer.pack({ ...batch, validity: null }).inverseCount).toBe(1 / 24);
    expect(packer.pack({ ...batch, validity: new Uint8Array(8) }).inverseCount).toBe(1);
    packer.pack(batch);
    expect([...part('coefficients')]).toEqual([0.25, 0.75, 0.9, 0.1, 0, 0].map((value) => Math.fround(Math.sqrt(value))));
    expect([...part('counts').subarray(8)]).toEqual([0, 0, 0, 0]);
    expect([...part('conditioning').subarray(0, 8)]).toEqual([...batch.conditioning.subarray(0, 7), 0]);
    expect([...part('conditioning').subarray(8, 15)]).toEqual([...batch.conditioning.subarray(7, 14)]);
    expect(
      part('actions')
        .subarray(24)
        .every((value) => value === 0),
    ).toBe(true);
    for (const name of ['conditioning', 'sinusoids', 'actions', 'noise', 'coefficients', 'counts'] as const) {
      expect(packer.range(name).offset % 256, name).toBe(0);
    }
  });
});

describe('buffers of gradients', () => {
  it('are used again once they are given back', () => {
    const builder = new PlanBuilder('software');
    const scratch = new Scratch(builder);
    const first = scratch.take(2, 4, 6);
    const second = scratch.take(2, 4, 6);
    expect(second.buffer).not.toBe(first.buffer);
    scratch.giveBack(first);
    // The same bytes for another shape.
    expect(scratch.take(2, 2, 16)).toMatchObject({ buffer: first.buffer, length: 2, channels: 16, stride: 16 });
    expect(builder.buffers).toHaveLength(2);
    scratch.giveBack(second);
    expect(() => scratch.giveBack(second)).toThrow('twice');
  });
});

describe('cuts', () => {
  it('load whole subgroups, and no more rows at once than a sample has', () => {
    for (const subgroupSize of [1, 4, 8, 32]) {
      for (const places of [1, 2, 3, 5, 16]) {
        for (const inGroups of [1, 2, 3, 9]) {
          const cut = chooseGradientCut({ inGroups, outGroups: 4, taps: 3, places }, { deviceClass: 'software', subgroupSize });
          if (cut.kind !== 'lanes') throw new Error('software drivers take lanes');
          const atOnce = Math.max(1, cut.subgroup / cut.groups);
          expect(Number.isInteger(atOnce) && atOnce <= places, JSON.stringify({ subgroupSize, places, cut })).toBe(true);
          expect((atOnce * cut.groups) % cut.subgroup).toBe(0);
        }
      }
      for (const rows of [1, 7, 33, 1024]) {
        const cut = chooseProductCut({ rows, groups: 4 }, { deviceClass: 'lavapipe', subgroupSize });
        if (cut.kind !== 'lanes') throw new Error('software drivers take lanes');
        expect(cut.columns % cut.subgroup).toBe(0);
      }
    }
  });

  it('are tiles on a GPU alone', () => {
    for (const deviceClass of DEVICE_CLASSES) {
      expect(chooseProductCut({ rows: 1e5, groups: 100 }, { deviceClass, subgroupSize: 8 }).kind === 'tiled').toBe(deviceClass === 'gpu');
    }
  });
});
