import { STRATEGY_SPEC_HELP } from '../../strategies/parse.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { atMost, UsageError } from '../../terminal/options.js';
import type { Command } from '../command.js';
import { LEROBOT_OPTIONS, serveLeRobotPolicy } from '../serve/lerobot.js';
import { OPENPI_OPTIONS, serveOpenpi } from '../serve/openpi.js';
import { SERVER_OPTIONS } from '../serve/options.js';
import { namedPolicy, POLICY_OPTIONS } from '../serve/served-policy.js';

const USAGE = `usage: warmstep serve openpi|lerobot [options]

Serves a policy to robots in other processes, until it is stopped. openpi: the websocket protocol of openpi's clients, a connection is an episode;
/healthz, /metrics and /info on the same port; needs the package ws. lerobot: the gRPC protocol of LeRobot's robot_client, for policies of the type
diffusion; needs the package @grpc/grpc-js.

  --policy DIR         checkpoint folder (default: the bundled one, with its predictor)
  --predictor DIR      STEP predictor folder, or "shift"
  --network DIR        network of a method that the strategy needs; may be repeated
  --strategy SPEC      how decisions are sampled; see below. Default: STEP with a predictor, else the checkpoint's scheduler
  --seed N             seed of the noise (default 0): a robot gets the same actions for the same observations
  --precision P        storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME       auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P          safe (default), or fast: Dawn without validation and bounds checks; same results

  --host ADDRESS       default 127.0.0.1: programs of this machine alone
  --port N             default 8000 (openpi), 8080 (lerobot)
  --batch N            decisions that are made together at most, 1 to 16 (default 8)
  --connections N      robots at most (default 32)
  --payload N          MiB of a message at most (default 64)
  --idle N             seconds without an observation after which a robot is let go (default 600)
  --json               the log as one JSON object per line on standard output

openpi:
  --tick-ms N          milliseconds between the frames that the policy was trained on: single frames so far apart are paired. Without it a single
                       frame stands for all that the policy reads; clients may send windows [steps, size]
  --key-map NAME=FEATURE   what a client's key stands for; may be repeated
  --api-key-file FILE  clients must send the key in it: Authorization: Api-Key KEY, or Bearer KEY
  --tls-cert FILE, --tls-key FILE   PEM, for wss://
  --allow-origin ORIGIN    pages of it may connect, "*": any; may be repeated (default: none)
  --queue N            requests that wait at most (default 64)
  --ping N             seconds between pings (default 20)

lerobot:
  --fps N              ticks of the robot per second, which the policy was trained at (default 30)

SIGTERM or SIGINT: running decisions end, connections are closed, exit code 0, within five seconds; a second signal ends it at once. A lost device is
reopened; where that fails the exit code is 1.

${STRATEGY_SPEC_HELP}`;

const OPTIONS = { ...POLICY_OPTIONS, ...SERVER_OPTIONS, ...OPENPI_OPTIONS, ...LEROBOT_OPTIONS };
const PROTOCOLS = ['openpi', 'lerobot'] as const;
/** Options of one protocol that the other does not have. */
const ALONE = { openpi: Object.keys(OPENPI_OPTIONS), lerobot: Object.keys(LEROBOT_OPTIONS) } as const;

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve a policy to robots: openpi (websocket), lerobot (gRPC).',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, { 'tls-cert': ['tls-key'], 'tls-key': ['tls-cert'] });
    atMost(positionals, 1);
    const [given] = positionals;
    const protocol = PROTOCOLS.find((name) => name === given);
    if (protocol === undefined)
      throw new UsageError(`say what to serve, openpi or lerobot${given === undefined ? '' : `: found "${given}"`}`);
    const other = protocol === 'openpi' ? 'lerobot' : 'openpi';
    const foreign = ALONE[other].find((name) => Object.hasOwn(values, name));
    if (foreign !== undefined) throw new UsageError(`--${foreign} is an option of serve ${other}`);
    await (protocol === 'openpi' ? serveOpenpi : serveLeRobotPolicy)(() => namedPolicy(values), values);
    return 0;
  },
};
