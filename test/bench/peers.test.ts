import { describe, expect, it } from 'vitest';
import { checkLayout, type WeightLayout } from '../../bench/peers/graph.js';
import {
  createPicture,
  ENCODER_PREFIX,
  encoderShape,
  expectedGraph,
  openWeights,
  PEER_ENCODERS,
  weightBytes,
  workloadsOf,
} from '../../bench/peers/networks.js';
import { readOptions } from '../../bench/peers/options.js';
import { ratiosTo, relativeError, runsPerTurn, turnsOfRound } from '../../bench/peers/rounds.js';
import { applyStep, createWork } from '../../bench/peers/work.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { syntheticUnet } from '../../src/synthetic/checkpoint.js';

const UNET = syntheticUnet('small');
const SMALL = expectedGraph('small');

/** The layout of a graph of our own network, tensors one after the other. */
function layout(change: (layout: WeightLayout) => Partial<WeightLayout> = () => ({})): WeightLayout {
  let offset = 0;
  const tensors = [...unetTensorShapes(UNET)].map(([name, shape]) => {
    const bytes = shape.reduce((product, dim) => product * dim, 4);
    offset += bytes;
    return { name: `diffusion.unet.${name}`, shape, offset: offset - bytes, bytes };
  });
  const own: WeightLayout = {
    inputs: { sample: [1, 16, 10], timestep: [1], global_cond: [1, 46] },
    weights_file: 'weights.bin',
    bytes: offset,
    tensors,
  };
  return { ...own, ...change(own) };
}

/** The tensors of a layout with number `index` changed. */
function changed(index: number, change: Partial<WeightLayout['tensors'][number]>) {
  return ({ tensors }: WeightLayout): Partial<WeightLayout> => ({
    tensors: tensors.map((tensor, i) => (i === index ? { ...tensor, ...change } : tensor)),
  });
}

describe('a graph of the peers', () => {
  it('is accepted when it is of our network, in any order of its tensors', () => {
    expect(() => checkLayout(layout(), SMALL, 'unet.json')).not.toThrow();
    const [first, second] = layout().tensors as [WeightLayout['tensors'][number], WeightLayout['tensors'][number]];
    const swapped = layout(({ tensors }) => ({
      tensors: [{ ...second, offset: 0 }, { ...first, offset: second.bytes }, ...tensors.slice(2)],
    }));
    expect(() => checkLayout(swapped, SMALL, 'unet.json')).not.toThrow();
    expect(layout().bytes).toBe(weightBytes('small'));
  });

  it.each([
    [
      'another input',
      layout(() => ({ inputs: { sample: [1, 16, 10], timestep: [1], global_cond: [1, 44] } })),
      /"global_cond".*\[1, 46\].*\[1, 44\]/,
    ],
    ['an unknown tensor', layout(changed(3, { name: 'diffusion.unet.extra' })), /"diffusion.unet.extra"/],
    ['a tensor twice', layout(changed(3, { name: 'diffusion.unet.diffusion_step_encoder.1.weight' })), /there twice/],
    ['another shape of the same size', layout(changed(0, { shape: [256, 1024] })), /\[1024, 256\].*\[256, 1024\]/],
    ['a gap', layout(changed(1, { offset: 1_048_580 })), /4096 bytes at 1048576/],
    ['a missing tensor', layout(({ tensors }) => ({ tensors: tensors.slice(0, -1) })), /final_conv\.1\.bias" is missing/],
    ['another total', layout(({ bytes }) => ({ bytes: bytes + 4 })), /found 263534636/],
  ])('is refused with %s', (_, wrong, message) => {
    expect(() => checkLayout(wrong, SMALL, 'unet.json')).toThrow(message);
  });
});

describe('rounds', () => {
  it('let every engine run twice, the second time in the opposite order', () => {
    expect(turnsOfRound(['A', 'B', 'C'])).toEqual(['A', 'B', 'C', 'C', 'B', 'A']);
  });

  it('fit as many runs into a turn as there is time for, and one at least', () => {
    expect(runsPerTurn(1, 300, 50)).toBe(3);
    expect(runsPerTurn(1, 4000, 50)).toBe(1);
    expect(runsPerTurn(1, 0.5, 50)).toBe(50);
  });

  it('compare medians with those of one engine', () => {
    const medians = new Map([
      ['cpu', 40],
      ['webgpu', 4000],
      ['ours', 80],
    ]);
    expect(ratiosTo('ours', medians)).toEqual(
      new Map([
        ['cpu', 0.5],
        ['webgpu', 50],
      ]),
    );
    expect(() => ratiosTo('nobody', medians)).toThrow(/nobody/);
  });

  it('measure errors against the largest value, and do not overlook what is no number', () => {
    expect(relativeError([1, -4.5], [1, -5])).toBeCloseTo(0.1, 12);
    expect(relativeError([1, NaN], [1, 2])).toBeNaN();
    expect(relativeError([1, Infinity], [1, 2])).toBe(Infinity);
    expect(relativeError([1], [1, 2])).toBeNaN();
  });
});

describe('the work', () => {
  it('has observations that normalising to −1 … 1 leaves as they are, bit by bit', () => {
    const { conditioning } = createWork('large');
    const f = Math.fround;
    expect(conditioning.map((x) => f(f(f(f(x + 1) / 2) * 2) - 1))).toEqual(conditioning);
    expect(new Set(conditioning).size).toBeGreaterThan(30);
  });

  it('returns the output of the network in "one evaluation"', () => {
    const { schedules, sample } = createWork('large');
    const output = sample.map((x) => 0.3 - x);
    expect(schedules['one evaluation'].steps).toHaveLength(1);
    expect(applyStep(schedules['one evaluation'].steps[0]!, sample, output)).toEqual(output);
  });

  it('ends "two steps" at the clean chunk when the network returns the noise that is in the sample', () => {
    const { schedules } = createWork('large');
    const [first, second] = schedules['two steps'].steps;
    const clean = Float32Array.of(0.25, -0.5, 1.5);
    const noise = Float32Array.of(1, -0.75, 0.125);
    // x = √ā·clean + √(1−ā)·noise; the coefficients of x0 hold both roots.
    const root = 1 / first!.x0FromSample;
    const noisy = clean.map((value, i) => root * value - first!.x0FromOutput * root * noise[i]!);
    const result = applyStep(second!, applyStep(first!, noisy, noise), noise);
    result.forEach((value, i) => expect(value).toBeCloseTo(clean[i]!, 5));
  });
});

describe('an image encoder', () => {
  it.each(PEER_ENCODERS)('%s has weights, a picture and one workload', async (network) => {
    const { height, width, norm } = encoderShape(network);
    expect(workloadsOf(network)).toEqual(['one picture']);
    expect(expectedGraph(network).inputs).toEqual({ image: [1, 3, height, width] });
    const picture = createPicture(network);
    expect(picture).toHaveLength(3 * height * width);
    const square = picture.reduce((sum, value) => sum + value * value, 0) / picture.length;
    expect(square).toBeCloseTo(1, 1);
    const weights = await openWeights(network);
    expect([...weights.tensors.keys()]).toEqual([...expectedGraph(network).tensors.keys()]);
    expect(weights.tensors.has(`${ENCODER_PREFIX}backbone.1.running_mean`)).toBe(norm === 'batch');
    // LeRobot's positions: (x, y) of the upper left, then the next one to the right.
    const grid = await weights.readFloats(`${ENCODER_PREFIX}pool.pos_grid`);
    const columns = Math.ceil(width / 32);
    expect([...grid.subarray(0, 4)]).toEqual([-1, -1, Math.fround(-1 + 2 / (columns - 1)), -1]);
    expect([...grid.subarray(-2)]).toEqual([1, 1]);
  });

  it('has as many bytes as the graph that was exported', () => {
    expect(weightBytes('encoder-gn-84')).toBe(44_788_424);
  });
});

describe('options', () => {
  it('name engines and precisions as lists, in any order', () => {
    expect(readOptions(['--only', 'warmstep,cpu', '--precision', 'f16', '--rounds', '7'])).toMatchObject({
      only: ['cpu', 'warmstep'],
      precisions: ['f16'],
      rounds: 7,
      network: 'large',
      threads: 2,
    });
    expect(readOptions(['--network', 'encoder-gn-84']).network).toBe('encoder-gn-84');
    expect(() => readOptions(['--network', 'resnet'])).toThrow(/--network.*"resnet"/);
    expect(() => readOptions(['--only', 'gpu'])).toThrow(/--only.*"gpu"/);
    expect(() => readOptions(['--seconds', 'soon'])).toThrow(/--seconds.*"soon"/);
  });
});
