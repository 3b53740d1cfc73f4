import { visible, visibleJson } from '../../foundation/visible.js';
import type { OnServerEvent } from '../../server/events.js';
import { print, printAside } from '../../terminal/output.js';

/**
 * What a server tells of itself: for people a line each on standard error, and on standard output the one that says that it is ready; for
 * programs (`--json`) an object per line on standard output.
 */
export function eventLog(isJson: boolean): OnServerEvent {
  if (isJson) return (event) => print(visibleJson({ time: new Date().toISOString(), ...event }));
  return ({ event, message }) => {
    if (event === 'ready') print(visible(message));
    else printAside(`${new Date().toISOString()} ${visible(message)}`);
  };
}
