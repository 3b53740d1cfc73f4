export { MessageError, ServerBusyError } from '../../server/errors.js';
export type { OnServerEvent, ServerEvent, ServerEventName } from '../../server/events.js';
export type { KeyMap } from '../../server/openpi/key-map.js';
export type { TlsFiles } from '../tls-files.js';
export type { ServePolicyOptions } from './options.js';
export { type PolicyServer, servePolicy } from './serve-policy.js';
