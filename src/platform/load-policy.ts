import { type CheckpointSource, checkSource } from '../checkpoints/source.js';
import { checkLoadOptions, listOf, loadPolicyWith } from '../policy/load-policy.js';
import type { Policy } from '../policy/policy.js';
import { isHubReference } from '../remote/hub/reference.js';
import type { ComputeDevice } from '../runtime/device.js';
import { DownloadReporter } from './download-reporter.js';
import type { HubSourceOptions, LoadPolicyOptions, OpenDeviceOptions } from './options.js';

/** What differs between runtimes. */
export interface Runtime {
  /** The source of a path. */
  folderSource(folder: string): Promise<CheckpointSource>;
  /** The source of a folder on the Hub. */
  hubSource(reference: string, options: HubSourceOptions): Promise<CheckpointSource>;
  openDevice(options: OpenDeviceOptions): Promise<ComputeDevice>;
}

/** `loadPolicy` of a runtime: paths and addresses become sources, and a device is opened where none is given. */
export async function loadPolicyIn(runtime: Runtime, source: string | CheckpointSource, options: LoadPolicyOptions): Promise<Policy> {
  checkLoadOptions(options, ['adapter', 'profile']);
  if (typeof source !== 'string') checkSource('loadPolicy', 'source (or the path of a folder)', source);
  const reporter = new DownloadReporter(options.onProgress);
  const { networks, adapter, profile, ...rest } = options;
  const placed = (place: string): Promise<CheckpointSource> => sourceOf(runtime, place, options, reporter);
  const policySource = typeof source === 'string' ? await placed(source) : source;
  const named = networks?.predictor;
  const predictor = typeof named === 'string' && named !== 'shift' ? await placed(named) : (named as CheckpointSource | 'shift');
  const methods: CheckpointSource[] = [];
  for (const method of listOf(networks?.methods)) methods.push(typeof method === 'string' ? await placed(method) : method);
  const given = predictor === undefined && methods.length === 0 ? {} : { networks: { ...(predictor ? { predictor } : {}), methods } };
  const choice = { ...(adapter === undefined ? {} : { adapter }), ...(profile === undefined ? {} : { profile }) };
  const onProgress = reporter.loading;
  return loadPolicyWith(policySource, { ...rest, ...given, ...(onProgress ? { onProgress } : {}) }, () => runtime.openDevice(choice));
}

/** What a text names: a folder on the Hub (`hf:…`), one on a web server (`https:…`), or a path. */
async function sourceOf(
  runtime: Runtime,
  place: string,
  { signal }: LoadPolicyOptions,
  reporter: DownloadReporter,
): Promise<CheckpointSource> {
  const options = { ...(signal ? { signal } : {}), onProgress: reporter.begin() };
  if (isHubReference(place)) return runtime.hubSource(place, options);
  if (!/^https?:\/\//.test(place)) return runtime.folderSource(place);
  const { urlSource } = await import('../remote/url-source.js');
  return urlSource(place, options);
}
