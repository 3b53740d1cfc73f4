import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { So101 } from '../../../src/envs/so101/so101.js';
import { mujoco } from '../../support/mujoco.js';
import { trace } from '../../support/so101-run.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TICKS = 200;

/** The same run by the compiled package, in a process of its own. */
const PROGRAM = `
  import { createHash } from 'node:crypto';
  import { expertActions, openSo101 } from 'warmstep/so101';
  const environment = await openSo101('so101-pick-place', () => import('@mujoco/mujoco'));
  environment.reset(3);
  const texts = [];
  for (const { action } of expertActions(environment, { seed: 3 })) {
    environment.step(action);
    texts.push(environment.body.simulation.views.qpos.join());
    if (texts.length === ${TICKS}) break;
  }
  environment.close();
  console.log(createHash('sha256').update(texts.join('\\n')).digest('hex'));`;

describe('an episode of the SO-101', () => {
  it('has the same positions, bit by bit, over 200 ticks in two processes', async () => {
    const environment = new So101(await mujoco(), 'so101-pick-place');
    const text = trace(environment, 3, TICKS);
    environment.close();
    expect(text.split('\n')).toHaveLength(TICKS);
    const there = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], { cwd: ROOT, encoding: 'utf8' }).trim();
    expect(createHash('sha256').update(text).digest('hex')).toBe(there);
  });
});
