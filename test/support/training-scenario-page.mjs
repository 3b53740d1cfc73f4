// The training scenario in a browser; results lie in `window.results`.
import { openDevice } from 'warmstep';
import { trainScenario } from './training-scenario.mjs';

window.results = (async () => {
  const device = await openDevice();
  const { vendor, architecture } = device.adapter;
  const results = await trainScenario(device);
  device.dispose();
  return { adapter: `${vendor} ${architecture}`, results };
})();
