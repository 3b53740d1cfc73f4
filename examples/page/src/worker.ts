import { loadPolicy } from 'warmstep';
import { runPolicyWorker } from 'warmstep/worker';

runPolicyWorker(self, loadPolicy);
