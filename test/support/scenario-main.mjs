// Plays the scenario from the folders of this checkout, in Node and Deno: prints adapter and bits.
import { fileURLToPath } from 'node:url';
import { loadPolicy, openDevice } from 'warmstep';
import { playScenario, SCENARIO } from './scenario.mjs';

const folder = (name) => fileURLToPath(new URL(`../../checkpoints/pusht-state/${name}`, import.meta.url));
const device = await openDevice({ adapter: 'swiftshader' });
const policy = await loadPolicy(folder('policy'), { ...SCENARIO, device, networks: { predictor: folder('predictor') } });
const bits = await playScenario((observation) => policy.act(observation), policy.info.observations);
await policy.dispose();
console.log(JSON.stringify({ adapter: device.adapter.description, deviceClass: device.deviceClass, bits }));
device.dispose();
