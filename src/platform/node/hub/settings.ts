import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HUB_ENDPOINT } from '../../../remote/hub/client.js';
import { hubEndpoint } from '../../hub-options.js';

/** What the variables of Python's `huggingface_hub` say, so that both find the same files. */
export interface HubSettings {
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Folder of the cache that Python and this engine share. */
  readonly cache: string;
  readonly isOffline: boolean;
}

/** @throws OptionError for an endpoint that is no http(s) address. */
export async function hubSettings(env: NodeJS.ProcessEnv = process.env): Promise<HubSettings> {
  const home = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(env['HF_ENDPOINT']),
    token:
      env['HF_TOKEN']?.trim() || env['HUGGING_FACE_HUB_TOKEN']?.trim() || (await storedToken(env['HF_TOKEN_PATH'] || join(home, 'token'))),
    cache: env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || join(home, 'hub'),
    isOffline: /^(1|true|yes|on)$/i.test(env['HF_HUB_OFFLINE'] ?? ''),
  };
}

function endpointOf(given: string | undefined): string {
  return given ? hubEndpoint('HF_ENDPOINT', given) : HUB_ENDPOINT;
}

async function storedToken(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim() || undefined;
}
