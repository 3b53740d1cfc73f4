export { MessageError, ServerBusyError } from '../../server/errors.js';
export type { OnServerEvent, ServerEvent, ServerEventName } from '../../server/events.js';
export type { ServeLeRobotOptions } from './options.js';
export { type LeRobotServer, serveLeRobot } from './serve-lerobot.js';
