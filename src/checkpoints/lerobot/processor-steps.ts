import { UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { JsonObject } from '../json-object.js';

export type StepKind = 'rename' | 'neutral' | 'device' | 'normalizer' | 'unnormalizer';

/** One step of LeRobot's pre- or post-processor, as far as it matters to inference. */
export interface ProcessorStep {
  readonly kind: StepKind;
  readonly where: string;
  readonly config: JsonObject;
  /** File with the step's tensors. */
  readonly stateFile: string | undefined;
}

/** By registry name, and by the class name that files carry instead (LeRobot processor/). */
const KINDS: ReadonlyMap<string, StepKind> = new Map([
  ['rename_observations_processor', 'rename'],
  ['RenameObservationsProcessorStep', 'rename'],
  ['to_batch_processor', 'neutral'],
  ['AddBatchDimensionProcessorStep', 'neutral'],
  ['ToBatchProcessorStep', 'neutral'],
  ['device_processor', 'device'],
  ['DeviceProcessorStep', 'device'],
  ['normalizer_processor', 'normalizer'],
  ['NormalizerProcessorStep', 'normalizer'],
  ['unnormalizer_processor', 'unnormalizer'],
  ['UnnormalizerProcessorStep', 'unnormalizer'],
]);

/**
 * Reads the steps of a pipeline. Positions do not matter, names do: published checkpoints have the normaliser at 1, 2 or
 * 3. A step that is not known is refused unless it is switched off, because leaving it out could change every action.
 */
export function readSteps(pipeline: JsonObject, refused: StepKind, warnings: string[]): ProcessorStep[] {
  return pipeline.objects('steps').flatMap((step) => {
    const name = step.isNull('registry_name') ? className(step.string('class')) : step.string('registry_name');
    const kind = KINDS.get(name);
    const config = step.object('config');
    if (isSwitchedOff(step, config)) {
      if (kind === undefined) return [];
      // LeRobot has no such switch for these and refuses it: what was meant cannot be known.
      throw new UnsupportedCheckpointError(
        `${step.where}: processor step "${name}" has "enabled": false, which LeRobot does not know for this step. Export the checkpoint again.`,
      );
    }
    if (kind === undefined || kind === refused) {
      throw new UnsupportedCheckpointError(
        `${step.where}: processor step "${name}" is not supported here; known steps are ` +
          `${[...KINDS]
            .filter(([, known]) => known !== refused)
            .map(([known]) => known)
            .join(', ')}. ` +
          'Train a policy without it: a step that is taken out of the file changes what the network sees, or what the robot does.',
      );
    }
    if (kind === 'device') warnOfCast(config, warnings);
    return [{ kind, where: step.where, config, stateFile: step.isNull('state_file') ? undefined : plainName(step) }];
  });
}

/** LeRobot writes optional steps into every pipeline, such as relative actions, and says of most that they do nothing. */
function isSwitchedOff(step: JsonObject, config: JsonObject): boolean {
  return [step, config].some((object) => !object.isNull('enabled') && !object.boolean('enabled', true));
}

function className(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** State files lie beside the pipeline: a path could lead out of the checkpoint. */
function plainName(step: JsonObject): string {
  const name = step.string('state_file');
  if (/[/\\:]/.test(name) || name === '' || name === '.' || name === '..') {
    step.fail('state_file', 'the name of a file in the checkpoint folder, without a path');
  }
  return name;
}

function warnOfCast(config: JsonObject, warnings: string[]): void {
  if (config.isNull('float_dtype') || /^(torch\.)?float32$/.test(config.string('float_dtype'))) return;
  warnings.push(`${config.where}: observations are not cast to "float_dtype" ${config.string('float_dtype')}; f32 is used.`);
}
