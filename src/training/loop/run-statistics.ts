import { pairOf, STATISTICS_FILE, type WrittenFeature, type WrittenPolicy } from '../../checkpoints/lerobot/write-policy.js';
import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import { fingerprintOf } from '../../policy/file-facts.js';
import type { RunStorage } from './run-storage.js';

type Described = Pick<WrittenPolicy, 'inputs' | 'action' | 'normalization'>;
type Read = (feature: WrittenFeature, statistic: string) => Promise<ArrayLike<number>>;

/** What tells what a policy is normalised by from anything else, as it is written: the pair of the mode alone, in float32. */
export function statisticsIdentity(written: Described): Promise<string> {
  return identityOf(written, async ({ statistics }, name) => Float32Array.from(statistics[name] as ArrayLike<number>));
}

/**
 * The same of the result that a run has in its storage; undefined where there is none, or it is of other features.
 * @throws CheckpointError for a file that is damaged.
 */
export async function storedStatisticsIdentity(storage: RunStorage, written: Described): Promise<string | undefined> {
  const source = await storage.open(STATISTICS_FILE);
  if (source === undefined) return undefined;
  try {
    const file = await SafetensorsFile.open(source);
    const isThere = [...written.inputs, written.action].every((feature) =>
      pairOf(feature, written.normalization).every((statistic) => file.tensors.has(`${feature.name}.${statistic}`)),
    );
    return isThere ? await identityOf(written, ({ name }, statistic) => file.readFloats(`${name}.${statistic}`)) : undefined;
  } finally {
    await source.close();
  }
}

async function identityOf({ inputs, action, normalization }: Described, read: Read): Promise<string> {
  const facts: unknown[] = [];
  for (const feature of [action, ...inputs]) {
    for (const statistic of pairOf(feature, normalization)) {
      facts.push([feature.name, statistic, Array.from(await read(feature, statistic))]);
    }
  }
  return fingerprintOf(JSON.stringify(facts));
}
