/** Options of `warmstep serve` that both protocols have. */
export const SERVER_OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  batch: { type: 'string' },
  connections: { type: 'string' },
  payload: { type: 'string' },
  idle: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export interface ServerValues {
  readonly host?: string;
  readonly port?: string;
  readonly batch?: string;
  readonly connections?: string;
  readonly payload?: string;
  readonly idle?: string;
  readonly json?: boolean;
}

export function times(unit: number, count: number | undefined): number | undefined {
  return count === undefined ? undefined : count * unit;
}

/** Whether only programs of this machine can connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}
