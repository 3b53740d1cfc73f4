import type { Command } from './command.js';

/** A command before its code is loaded: the overview must not wait for the engine. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** All commands, in the order of the overview. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'Let the bundled policy push a block: STEP against DDIM, scores and latency.',
    load: async () => (await import('./commands/demo.js')).demoCommand,
  },
  {
    name: 'eval',
    summary: 'Evaluate strategies in closed loop in a simulator.',
    load: async () => (await import('./commands/eval.js')).evalCommand,
  },
  {
    name: 'analyze',
    summary: 'Measure how much the steps of a solver contract.',
    load: async () => (await import('./commands/analyze.js')).analyzeCommand,
  },
  {
    name: 'train',
    summary: 'Train a STEP predictor, a policy, a CVAE or the network of a compared method on demonstrations.',
    load: async () => (await import('./commands/train.js')).trainCommand,
  },
  {
    name: 'run',
    summary: 'Turn recorded observations into actions.',
    load: async () => (await import('./commands/run.js')).runCommand,
  },
  {
    name: 'replay',
    summary: 'Repeat the decisions of a recorded control loop bit by bit, and draw it.',
    load: async () => (await import('./commands/replay.js')).replayCommand,
  },
  {
    name: 'serve',
    summary: 'Serve a policy to robots: openpi (websocket), lerobot (gRPC).',
    load: async () => (await import('./commands/serve.js')).serveCommand,
  },
  {
    name: 'drive',
    summary: 'Let a policy drive an SO-101 arm; a dry run unless told otherwise.',
    load: async () => (await import('./commands/drive.js')).driveCommand,
  },
  {
    name: 'simulate',
    summary: 'Put a simulated SO-101 arm behind a serial port, to be driven without hardware.',
    load: async () => (await import('./commands/simulate.js')).simulateCommand,
  },
  {
    name: 'inspect',
    summary: 'Describe a checkpoint folder; no GPU needed.',
    load: async () => (await import('./commands/inspect.js')).inspectCommand,
  },
  {
    name: 'dataset',
    summary: 'Inspect a data set of demonstrations, or convert one to LeRobot v3.0.',
    load: async () => (await import('./commands/dataset.js')).datasetCommand,
  },
  {
    name: 'demonstrations',
    summary: 'Let the scripted expert of a simulated task make a data set.',
    load: async () => (await import('./commands/demonstrations.js')).demonstrationsCommand,
  },
  {
    name: 'verify',
    summary: 'Compare the engine with recorded cases, tensor by tensor.',
    load: async () => (await import('./commands/verify.js')).verifyCommand,
  },
  {
    name: 'bench',
    summary: 'Measure a synthetic policy of full size: latency, load time, memory.',
    load: async () => (await import('./commands/bench.js')).benchCommand,
  },
  {
    name: 'tune',
    summary: 'Measure how convolutions are best cut on this adapter, and keep it.',
    load: async () => (await import('./commands/tune.js')).tuneCommand,
  },
  {
    name: 'doctor',
    summary: 'Check adapter, driver, features and limits, and say what is missing.',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  {
    name: 'kernels',
    summary: 'List or print the WGSL that the bundled policy runs.',
    load: async () => (await import('./commands/kernels.js')).kernelsCommand,
  },
];
