import type { CheckpointSource } from '../../checkpoints/source.js';
import type { HubSourceOptions } from '../options.js';

/** A folder on the Hub, read over the network; see surface.ts. Its client is loaded where somebody asks for one. */
export async function hubSource(text: string, options: HubSourceOptions = {}): Promise<CheckpointSource> {
  const [{ checkHubOptions, hubEndpoint }, { HUB_ENDPOINT }, { parseHubReference }, { hubUrlSource }] = await Promise.all([
    import('../hub-options.js'),
    import('../../remote/hub/client.js'),
    import('../../remote/hub/reference.js'),
    import('../../remote/hub/source.js'),
  ]);
  checkHubOptions(options);
  const { token, endpoint = HUB_ENDPOINT, signal, onProgress } = options;
  const access = { endpoint: hubEndpoint('hubSource: endpoint', endpoint), token, signal };
  return hubUrlSource(parseHubReference(text), access, onProgress);
}
