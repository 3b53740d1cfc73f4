import { chooseProfile } from '../../src/platform/node/profile.js';
import { PROFILES, type Profile } from '../../src/runtime/device.js';
import { PRECISIONS, type Precision } from '../../src/spec/precision.js';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import { atMost, choiceListOption, choiceOption, integerOption, numberOption } from '../../src/terminal/options.js';
import { GRAPHS_VARIABLE } from './graph.js';
import { PEER_ENCODERS, PEER_NETWORKS, type PeerNetwork } from './networks.js';

export const USAGE = `usage: npm run bench:peers -- --graphs DIR [options]

  --graphs DIR       folder of unet-SIZE.onnx or ENCODER.onnx and the .json beside it (default: the variable ${GRAPHS_VARIABLE})
  --network NAME     large (default) or small, a U-Net, or an image encoder: ${PEER_ENCODERS.join(', ')}
  --only LIST        some of cpu, webgpu (ONNX Runtime's two providers) and warmstep (default: all)
  --precision LIST   of warmstep's weights: ${PRECISIONS.join(', ')} (default: all)
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile NAME     of warmstep's device: safe (default) or fast
  --threads N        of ONNX Runtime's CPU provider (default 2)
  --rounds N         every engine has two turns in a round (default 5)
  --seconds S        time of a workload in a turn, where one run takes less (default 1)
  --output FILE      write the record as JSON, with every sample
  --folder DIR       keep graph, weights and work.json there, for torch_unet.py`;

/** ONNX Runtime first, so that results are compared with somebody else's. */
const PEERS = ['cpu', 'webgpu', 'warmstep'] as const;
const DEFAULT_ROUNDS = 5;

export interface PeersOptions {
  readonly network: PeerNetwork;
  readonly only: readonly (typeof PEERS)[number][];
  readonly precisions: readonly Precision[];
  readonly adapter: string | undefined;
  readonly profile: Profile;
  readonly threads: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly graphs: string | undefined;
  readonly output: string | undefined;
  readonly folder: string | undefined;
}

export function readOptions(args: readonly string[]): PeersOptions {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseCommandLine(args, {
    graphs: text,
    network: text,
    only: text,
    precision: text,
    adapter: text,
    profile: text,
    threads: text,
    rounds: text,
    seconds: text,
    output: text,
    folder: text,
  });
  atMost(positionals, 0);
  // In the order of the choices, whatever order was given: the first engine is the one that others are compared with.
  const list = <T extends string>(name: string, given: string | undefined, choices: readonly T[]): readonly T[] => {
    const words = choiceListOption(name, given, choices) ?? choices;
    return choices.filter((choice) => words.includes(choice));
  };
  return {
    network: choiceOption('network', values.network, PEER_NETWORKS) ?? 'large',
    only: list('only', values.only, PEERS),
    precisions: list('precision', values.precision, PRECISIONS),
    adapter: values.adapter,
    profile: chooseProfile(choiceOption('profile', values.profile, PROFILES)),
    threads: integerOption('threads', values.threads, 1) ?? 2,
    rounds: integerOption('rounds', values.rounds, 1) ?? DEFAULT_ROUNDS,
    seconds: numberOption('seconds', values.seconds) ?? 1,
    graphs: values.graphs ?? process.env[GRAPHS_VARIABLE],
    output: values.output,
    folder: values.folder,
  };
}
