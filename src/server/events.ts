/** What a server tells of itself, for logs. */
export type ServerEventName =
  | 'listening'
  | 'ready'
  | 'advice'
  | 'connected'
  | 'instructed'
  | 'disconnected'
  | 'refused'
  | 'failed'
  | 'ignored'
  | 'device-lost'
  | 'reloaded'
  | 'stopping'
  | 'stopped';

export interface ServerEvent {
  readonly event: ServerEventName;
  /** One line for people. */
  readonly message: string;
  /** Number of the connection that it is about, counted from 1. */
  readonly client?: number;
  /** Class of the error that it is about. */
  readonly error?: string;
}

export type OnServerEvent = (event: ServerEvent) => void;
