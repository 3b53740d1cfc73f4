import type { Kernel } from '../../../kernels/lib/kernel.js';
import { openDevice } from '../../platform/node/device.js';
import { PRECISION_CHOICES, type PrecisionChoice } from '../../policy/precision.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { table } from '../../terminal/table.js';
import { bundledCheckpoint, noteBundled } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { withPolicy } from '../load.js';

const USAGE = `usage: warmstep kernels [--print] [FILTER] [options]

Lists the kernels that the bundled Push-T policy with its STEP predictor runs on an adapter, or prints their final WGSL.

  FILTER            only kernels whose label contains this text
  --print           the text itself
  --precision P     storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME    auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --json            one JSON object on standard output, with the text where --print is given`;

export const kernelsCommand: Command = {
  name: 'kernels',
  summary: 'List or print the WGSL that the bundled policy runs.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, {
      print: { type: 'boolean' },
      precision: { type: 'string' },
      adapter: { type: 'string' },
      json: { type: 'boolean' },
    });
    atMost(positionals, 1);
    const precision = choiceOption('precision', values.precision, PRECISION_CHOICES);
    const [filter = ''] = positionals;
    const compiled = await collectKernels({ precision, adapter: values.adapter });
    const chosen = compiled.filter(({ label }) => label.includes(filter)).sort((a, b) => (a.label < b.label ? -1 : 1));
    if (values.json) {
      const kernels = chosen.map(({ label, code, bindings }) => ({
        label,
        lines: lineCount(code),
        bindings,
        ...(values.print ? { code } : {}),
      }));
      printJson({ kernels });
    } else if (values.print) {
      for (const { label, code } of chosen) print(`// ${label}\n${code.trim()}\n`);
    } else {
      print(
        table(
          ['kernel', 'lines', 'bindings'],
          chosen.map(({ label, code, bindings }) => [
            label,
            String(lineCount(code)),
            bindings.map(({ name, access }) => `${name} (${access})`).join(', '),
          ]),
        ),
      );
    }
    return chosen.length > 0 ? 0 : 1;
  },
};

function lineCount(code: string): number {
  return code.split('\n').length;
}

/** Listens to what the device compiles: the text that runs, not a second way to make it. */
async function collectKernels(options: { precision: PrecisionChoice | undefined; adapter: string | undefined }): Promise<Kernel[]> {
  const kernels = new Map<string, Kernel>();
  const transformShader = (kernel: Kernel): string => {
    kernels.set(kernel.code, kernel);
    return kernel.code;
  };
  const device = await openDevice({ ...given({ adapter: options.adapter }), transformShader });
  const bundled = bundledCheckpoint();
  noteBundled();
  return interruptible(async (signal) => {
    try {
      const loading = { device, signal, networks: { predictor: bundled.predictor }, ...given({ precision: options.precision }) };
      return await withPolicy(bundled.policy, loading, async () => [...kernels.values()]);
    } finally {
      device.dispose();
    }
  });
}
