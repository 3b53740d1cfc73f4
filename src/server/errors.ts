import { WarmstepError } from '../foundation/errors.js';

/** A message of a client is malformed, or holds what a policy cannot read: correct the client. */
export class MessageError extends WarmstepError {}

/** The server has no room for another request, or is about to stop: try again later, or another server. */
export class ServerBusyError extends WarmstepError {}
