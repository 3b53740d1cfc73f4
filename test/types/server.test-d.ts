import { expectTypeOf } from 'vitest';
import type { Policy } from '../../src/entries/core.js';
import * as lerobot from '../../src/sockets/lerobot/index.js';
import * as server from '../../src/sockets/openpi/index.js';

expectTypeOf(server.servePolicy).parameter(0).toEqualTypeOf<Policy | Promise<Policy>>();
expectTypeOf(server.servePolicy).parameter(1).toEqualTypeOf<server.ServePolicyOptions | undefined>();
expectTypeOf(server.servePolicy).returns.resolves.toEqualTypeOf<server.PolicyServer>();
expectTypeOf<server.PolicyServer['closed']>().resolves.toBeVoid();
expectTypeOf(server.servePolicy).toBeCallableWith({} as Policy, { keyMap: { a: 'b' }, tickMs: 100, tls: { cert: '', key: '' } });
expectTypeOf<server.ServerEvent['event']>().toEqualTypeOf<server.ServerEventName>();

expectTypeOf(lerobot.serveLeRobot).parameter(0).toEqualTypeOf<Policy | Promise<Policy>>();
expectTypeOf(lerobot.serveLeRobot).returns.resolves.toEqualTypeOf<lerobot.LeRobotServer>();
expectTypeOf(lerobot.MessageError).toEqualTypeOf<typeof server.MessageError>();
