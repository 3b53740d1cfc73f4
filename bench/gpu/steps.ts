import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PRECISIONS, type Precision } from '../../src/spec/precision.js';
import type { SyntheticSize } from '../../src/synthetic/checkpoint.js';
import type { PeerNetwork } from '../peers/networks.js';

/** Parts of a campaign, most important first: what the time does not suffice for is left out from the end. */
export const PARTS = [
  'verify',
  'decisions',
  'host',
  'suite',
  'peers',
  'torch',
  'timestamps',
  'evaluate',
  'pictures',
  'curves',
  'tune',
] as const;
export type Part = (typeof PARTS)[number];

export interface CampaignOptions {
  /** The package's folder. */
  readonly root: string;
  /** Results are written as `<prefix>-<step>.*`. */
  readonly prefix: string;
  /** For what is not worth keeping. */
  readonly scratch: string;
  readonly adapter: string;
  readonly size: SyntheticSize;
  /** Per case of the suite. */
  readonly seconds: number;
  /** Folder of the graphs that bench/peers.ts needs. */
  readonly graphs: string | undefined;
  /** Names that `warmstep help` lists. */
  readonly commands: ReadonlySet<string>;
}

/** One child process. */
export interface Step {
  readonly name: string;
  readonly part: Part;
  readonly command: string;
  readonly args: readonly string[];
  /** What it prints is kept in a file with this ending. */
  readonly stdout: 'txt' | 'json';
  readonly limitSeconds: number;
  /** Why it cannot run here. */
  readonly missing?: string;
}

/** Where the safe and fast profiles leave what they computed, for one precision. */
export function dumpFolder(scratch: string, precision: Precision, profile: 'safe' | 'fast'): string {
  return join(scratch, `dump-${precision}-${profile}`);
}

/** Everything there is to measure, in the order of PARTS. */
export function campaignSteps(options: CampaignOptions): Step[] {
  const steps: Readonly<Record<Part, () => Step[]>> = {
    verify: () => verifySteps(options),
    decisions: () => PRECISIONS.map((precision) => decisionStep(options, precision)),
    host: () => [hostStep(options)],
    suite: () => PRECISIONS.map((precision) => suiteStep(options, precision, 'suite')),
    peers: () => [peersStep(options, options.size), ...ENCODERS.map((network) => peersStep(options, network))],
    torch: () => [torchStep(options), ...ENCODERS.map((network) => torchEncoderStep(options, network))],
    timestamps: () => PRECISIONS.map((precision) => suiteStep(options, precision, 'timestamps')),
    evaluate: () => [evaluateStep(options)],
    pictures: () => PRECISIONS.slice(0, 2).map((precision) => picturesStep(options, precision)),
    curves: () => [curveStep(options)],
    tune: () => [tuneStep(options), tunePicturesStep(options)],
  };
  return PARTS.flatMap((part) => steps[part]());
}

function cli({ root }: CampaignOptions, ...args: string[]): Pick<Step, 'command' | 'args'> {
  return { command: process.execPath, args: [join(root, 'dist/src/cli/main.js'), ...args] };
}

function script({ root }: CampaignOptions, file: string, ...args: string[]): Pick<Step, 'command' | 'args'> {
  return { command: process.execPath, args: [join(root, 'dist/bench', file), ...args] };
}

/** Recorded cases in every precision, safe and fast, with dumps that are compared afterwards. */
function verifySteps(options: CampaignOptions): Step[] {
  const { root, scratch, adapter } = options;
  const goldens = join(root, 'test/goldens');
  const cases = existsSync(goldens)
    ? readdirSync(goldens)
        .filter((name) => existsSync(join(goldens, name, 'case.json')))
        .sort()
    : [];
  return PRECISIONS.flatMap((precision) =>
    (['safe', 'fast'] as const).map(
      (profile): Step => ({
        name: `verify-${precision}-${profile}`,
        part: 'verify',
        ...cli(
          options,
          'verify',
          ...cases.map((name) => join(goldens, name)),
          '--precision',
          precision,
          '--profile',
          profile,
          '--adapter',
          adapter,
          '--dump',
          dumpFolder(scratch, precision, profile),
          '--json',
        ),
        stdout: 'json',
        limitSeconds: 90,
        ...(cases.length === 0 ? { missing: `no recorded cases are in ${goldens}` } : {}),
      }),
    ),
  );
}

function decisionStep(options: CampaignOptions, precision: Precision): Step {
  const name = `decisions-${precision}`;
  return {
    name,
    part: 'decisions',
    ...cli(
      options,
      'bench',
      '--size',
      options.size,
      '--precision',
      precision,
      '--profile',
      'fast',
      '--adapter',
      options.adapter,
      '--output',
      `${options.prefix}-${name}.json`,
    ),
    stdout: 'txt',
    limitSeconds: 90,
  };
}

/** What the host adds, beside plain Dawn on the same device: with f16, whose GPU time is the shortest that is exact. */
function hostStep(options: CampaignOptions): Step {
  const args = ['--size', options.size, '--precision', 'f16', '--adapter', options.adapter, '--seconds', '6', '--decisions', '2000'];
  return {
    name: 'host',
    part: 'host',
    ...script(options, 'host.js', ...args, '--output', `${options.prefix}-host.json`),
    stdout: 'txt',
    limitSeconds: 90,
  };
}

function suiteStep(options: CampaignOptions, precision: Precision, part: 'suite' | 'timestamps'): Step {
  const name = `${part}-${precision}`;
  return {
    name,
    part,
    ...script(
      options,
      'kernels/main.js',
      '--size',
      options.size,
      '--precision',
      precision,
      '--profile',
      'fast',
      '--adapter',
      options.adapter,
      '--seconds',
      String(options.seconds),
      '--output',
      `${options.prefix}-${name}.json`,
      '--svg',
      `${options.prefix}-${name}.svg`,
      ...(part === 'timestamps' ? ['--timestamps'] : []),
    ),
    stdout: 'txt',
    limitSeconds: 120,
  };
}

/** Encoders that other engines run too. */
const ENCODERS = ['encoder-gn-84', 'encoder-bn-240x320'] as const satisfies readonly PeerNetwork[];

/** "peers" is that of the U-Net. */
function peersStep(options: CampaignOptions, network: PeerNetwork | 'tiny'): Step {
  const { adapter, graphs, prefix, root, scratch, size } = options;
  const name = network === size ? 'peers' : `peers-${network}`;
  const missing =
    graphs === undefined
      ? 'no folder of graphs was given (--graphs, WARMSTEP_PEERS)'
      : network === 'tiny'
        ? 'there is no graph of the tiny network'
        : existsSync(join(root, 'bench/peers/node_modules/onnxruntime-node'))
          ? undefined
          : 'onnxruntime-node is not installed in bench/peers';
  return {
    name,
    part: 'peers',
    ...script(
      options,
      'peers.js',
      '--graphs',
      graphs ?? '',
      '--network',
      network,
      '--precision',
      PRECISIONS.join(','),
      '--profile',
      'fast',
      '--adapter',
      adapter,
      '--output',
      `${prefix}-${name}.json`,
      '--folder',
      join(scratch, name),
    ),
    stdout: 'txt',
    limitSeconds: 150,
    ...(missing === undefined ? {} : { missing }),
  };
}

/** Reads the weights that the step before it wrote. */
function torchStep({ graphs, prefix, root, scratch }: CampaignOptions): Step {
  return {
    name: 'torch',
    part: 'torch',
    command: 'python3',
    args: [join(root, 'bench/peers/torch_unet.py'), join(scratch, 'peers'), '--output', `${prefix}-torch.json`],
    stdout: 'txt',
    limitSeconds: 180,
    ...(graphs === undefined ? { missing: 'it needs the weights that the peers write, and those need --graphs' } : {}),
  };
}

function torchEncoderStep({ graphs, prefix, root, scratch }: CampaignOptions, network: PeerNetwork): Step {
  const name = `torch-${network}`;
  const folder = join(scratch, `peers-${network}`);
  return {
    name,
    part: 'torch',
    command: 'python3',
    args: [join(root, 'bench/peers/torch_encoder.py'), folder, '--output', `${prefix}-${name}.json`],
    stdout: 'txt',
    limitSeconds: 180,
    ...(graphs === undefined ? { missing: 'it needs the weights that the peers write, and those need --graphs' } : {}),
  };
}

/** Image policies: frames observed ahead or not, beside the same U-Net without cameras. */
function picturesStep(options: CampaignOptions, precision: Precision): Step {
  const name = `pictures-${precision}`;
  return {
    name,
    part: 'pictures',
    ...cli(
      options,
      'bench',
      '--pictures',
      '84x84,96x96,240x320,480x640',
      '--cameras',
      '1,2',
      '--size',
      options.size,
      '--precision',
      precision,
      '--profile',
      'fast',
      '--adapter',
      options.adapter,
      '--decisions',
      '30',
      '--output',
      `${options.prefix}-${name}.json`,
    ),
    stdout: 'txt',
    limitSeconds: 120,
  };
}

/** The bundled policy in closed loop: scores beside latencies, compared with the reference's scores. */
function evaluateStep(options: CampaignOptions): Step {
  return {
    name: 'evaluate',
    part: 'evaluate',
    ...cli(
      options,
      'eval',
      'push-t',
      '--strategies',
      'step:2,step:4,ddim:2,ddim:10,ddpm:100',
      '--profile',
      'fast',
      '--adapter',
      options.adapter,
      '--compare',
      join(options.root, 'checkpoints/pusht-state/scores.json'),
      '--output',
      `${options.prefix}-evaluate`,
    ),
    stdout: 'txt',
    limitSeconds: 150,
    ...(options.commands.has('eval') ? {} : { missing: 'warmstep has no command eval' }),
  };
}

function curveStep(options: CampaignOptions): Step {
  return {
    name: 'curves',
    part: 'curves',
    ...cli(
      options,
      'bench',
      '--size',
      options.size,
      '--precision',
      'f16',
      '--profile',
      'fast',
      '--adapter',
      options.adapter,
      '--batch',
      '1,4,16,64',
      '--horizon',
      '16,64',
      '--output',
      `${options.prefix}-curves.json`,
    ),
    stdout: 'txt',
    limitSeconds: 120,
  };
}

function tuneStep(options: CampaignOptions): Step {
  return {
    name: 'tune',
    part: 'tune',
    ...cli(options, 'tune', '--adapter', options.adapter),
    stdout: 'txt',
    limitSeconds: 180,
    ...(options.commands.has('tune') ? {} : { missing: 'warmstep has no command tune' }),
  };
}

/** The image encoder that most policies were trained with: 84×84, group norm. */
function tunePicturesStep(options: CampaignOptions): Step {
  return {
    ...tuneStep(options),
    name: 'tune-pictures',
    ...cli(options, 'tune', '--picture', '84x84', '--norm', 'group', '--adapter', options.adapter),
  };
}
