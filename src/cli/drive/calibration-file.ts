import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ofFile, SetupError } from '../../foundation/setup-error.js';
import { readTextFile } from '../../platform/node/text-file.js';
import { type ArmCalibration, readCalibration } from '../../robots/calibration.js';
import { UsageError } from '../../terminal/options.js';

/** LeRobot's folders of followers, newest name first. */
const KINDS = ['so_follower', 'so101_follower', 'so100_follower'] as const;

/** A calibration, and where it was found. */
export interface FoundCalibration {
  readonly calibration: ArmCalibration;
  readonly file: string;
}

/** The file that was named, or that of the arm with this id where LeRobot keeps it. @throws UsageError, SetupError where there is no file, or it is none. */
export async function findCalibration(
  { calibration, id }: { readonly calibration?: string; readonly id?: string },
  env: NodeJS.ProcessEnv = process.env,
): Promise<FoundCalibration> {
  if ((calibration === undefined) === (id === undefined)) {
    throw new UsageError("say which arm it is: --id, as LeRobot's --robot.id, or --calibration with its file");
  }
  const file = calibration ?? (await fileOf(id as string, env));
  const text = await readTextFile(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SetupError(`${file}: expected LeRobot's calibration file, found no JSON: ${(cause as Error).message}`);
  }
  return { calibration: await ofFile(() => readCalibration(json, file)), file };
}

async function fileOf(id: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (!/^[\w.-]+$/.test(id)) throw new UsageError(`--id must be a name, as LeRobot's --robot.id, found "${id}"`);
  const hub = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface');
  const root = env['HF_LEROBOT_CALIBRATION'] || join(env['HF_LEROBOT_HOME'] || join(hub, 'lerobot'), 'calibration');
  const files = KINDS.map((kind) => join(root, 'robots', kind, `${id}.json`));
  for (const file of files) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  throw new SetupError(
    `--id ${id}: expected a calibration file at ${files.join(' or ')}, found none. Calibrate the arm with LeRobot, or name its file by --calibration`,
  );
}
