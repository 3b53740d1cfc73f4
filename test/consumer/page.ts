/** What a page hands over: files that were picked, a signal, and its own WebGPU. */

import { blobSource, loadPolicy, openDevice, type Policy } from 'warmstep';

export async function load(files: FileList, { signal }: AbortController): Promise<Policy> {
  const device = await openDevice({ gpu: navigator.gpu });
  return loadPolicy(blobSource('policy', files), { device, signal });
}
