/** `warmstep/worker`: a policy in a worker of its own, beside a page or a loop that must not wait. */

export type { LoadInWorker } from '../worker/guest.js';
export { runPolicyWorker } from '../worker/guest.js';
export { openPolicyWorker, PolicyWorker, type PolicyWorkerOptions } from '../worker/host.js';
export type { PostableFiles, PostableLoadOptions, PostableSource } from '../worker/messages.js';
export type { MessagePortLike } from '../worker/port.js';
