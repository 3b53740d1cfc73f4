import type { CheckpointSource } from '../../../checkpoints/source.js';
import { hubText, parseHubReference } from '../../../remote/hub/reference.js';
import { checkHubOptions, hubEndpoint } from '../../hub-options.js';
import type { HubSourceOptions } from '../../options.js';
import { folderSource } from '../folder-source.js';
import { hubFolder } from './hub-folder.js';
import { hubSettings } from './settings.js';

/** A folder on the Hub, by way of the cache on disk; see surface.ts. */
export async function hubSource(text: string, options: HubSourceOptions = {}): Promise<CheckpointSource> {
  checkHubOptions(options);
  const reference = parseHubReference(text);
  const found = await hubSettings();
  const settings = {
    ...found,
    token: options.token ?? found.token,
    endpoint: options.endpoint === undefined ? found.endpoint : hubEndpoint('hubSource: endpoint', options.endpoint),
  };
  const { signal, onProgress, onWarning = (warning: string) => process.emitWarning(warning) } = options;
  const source = await folderSource(await hubFolder(reference, { settings, signal, onProgress, onWarning }));
  return { ...source, name: hubText(reference) };
}
