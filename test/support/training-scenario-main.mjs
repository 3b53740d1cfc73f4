// Plays the training scenario in Node and Deno, its runs kept in the folder that is given: prints adapter and results.
import { openDevice } from 'warmstep';
import { folderStorage } from 'warmstep/training';
import { trainScenario } from './training-scenario.mjs';

const device = await openDevice({ adapter: 'swiftshader' });
const results = await trainScenario(device, (name) => folderStorage(`${process.argv[2]}/${name}`));
console.log(JSON.stringify({ adapter: device.adapter.description, results }));
device.dispose();
