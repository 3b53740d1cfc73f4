// The scenario in a browser, on the page and in a worker; results lie in `window.results`.
import { loadPolicy } from 'warmstep';
import { openPolicyWorker } from 'warmstep/worker';
import { playScenario, SCENARIO } from './scenario.mjs';

const address = (name) => new URL(`/checkpoints/${name}/`, location.href).href;

async function onPage() {
  const policy = await loadPolicy(address('policy'), { ...SCENARIO, networks: { predictor: address('predictor') } });
  const { adapter } = policy.info;
  const bits = await playScenario((observation) => policy.act(observation), policy.info.observations);
  await policy.dispose();
  return { adapter: [adapter.vendor, adapter.architecture].join(' '), bits };
}

async function inWorker() {
  const worker = new Worker('/worker.js', { type: 'module' });
  let downloaded = 0;
  const onProgress = (_, progress) => {
    if (progress.stage === 'download') downloaded = progress.done;
  };
  const policy = await openPolicyWorker(worker, address('policy'), { ...SCENARIO, networks: { predictor: address('predictor') }, onProgress });
  const bits = await playScenario((observation) => policy.act(observation), policy.info.observations);
  const wrong = await policy.act({}).catch((error) => error.name);
  await policy.dispose();
  return { downloaded, wrong, bits };
}

window.results = (async () => ({ page: await onPage(), worker: await inWorker() }))();
