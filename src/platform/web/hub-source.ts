import type { CheckpointSource } from '../../checkpoints/source.js';
import { HUB_ENDPOINT } from '../../remote/hub/client.js';
import { parseHubReference } from '../../remote/hub/reference.js';
import { hubUrlSource } from '../../remote/hub/source.js';
import { checkHubOptions, hubEndpoint } from '../hub-options.js';
import type { HubSourceOptions } from '../options.js';

/** A folder on the Hub, read over the network; see surface.ts. */
export async function hubSource(text: string, options: HubSourceOptions = {}): Promise<CheckpointSource> {
  checkHubOptions(options);
  const { token, endpoint = HUB_ENDPOINT, signal, onProgress } = options;
  const access = { endpoint: hubEndpoint('hubSource: endpoint', endpoint), token, signal };
  return hubUrlSource(parseHubReference(text), access, onProgress);
}
