import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/envs/environment.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import type { EpisodeRecord, EvaluationRecord } from '../../src/evaluation/record.js';
import { renderReport } from '../../src/evaluation/report/render.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { evaluationRecord } from '../support/evaluation-record.js';
import { useSmallPushTPolicy } from '../support/small-push-t.js';
import { TOY_SCENE, toyTask } from '../support/toy-task.js';

describe('a task that is none of the package', () => {
  const policy = useSmallPushTPolicy();
  const strategy = parseStrategy('ddim:1');
  const run = (task: Task): Promise<EpisodeRecord[]> =>
    evaluate(policy(), { task, strategy, seeds: [1, 2], parallel: 2, keepReplay: () => true });

  it('is created, evaluated, kept as its scene says, and reported as itself', async () => {
    const task = toyTask(10);
    const episodes = await run(task);
    expect(episodes.map(({ failure, ticks, success, score }) => ({ failure, ticks, success, score }))).toEqual(
      [1, 2].map(() => ({ failure: undefined, ticks: 10, success: true, score: 0.1 })),
    );
    const { states = [], targets = [] } = episodes[0]?.replay ?? {};
    expect(states).toHaveLength(11 * 3);
    expect(states.slice(0, 3)).toEqual([101, 200.1, 0]);
    expect(targets).toHaveLength(10 * 2);
    for (const value of targets) expect(value).toBe(Number(value.toFixed(2)));

    const record: EvaluationRecord = {
      ...evaluationRecord({ characters: [], episodes: 2 }),
      task: task.name,
      maxTicks: task.maxTicks,
      strategies: [{ name: strategy.name, description: 'DDIM', options: strategy.options, episodes }],
    };
    const page = renderReport(record, task.scene);
    expect(page).toContain('<h1>The lamp &lt;of the test&gt;: 1 strategy over 2 episodes</h1>');
    expect(page).toContain('the largest reward it reached: how warm the lamp is. Every strategy');
    expect(page).toContain('viewBox="0 0 40 20"');
    expect(page).toContain(TOY_SCENE.board.markup);
    expect(page).toContain(TOY_SCENE.board.style);
    expect(page).toContain(TOY_SCENE.board.legend);
    expect(page).toContain(`show: ${TOY_SCENE.board.show},`);
    expect(page).toContain('"tickRate":4');
    expect(page).not.toMatch(/push-t/i);
    // Its scene cannot be guessed.
    expect(() => renderReport(record)).toThrow(/task "lamp" is none of push-t.*: hand in the scene/);
  });

  it('fails where its snapshots or actions are not what its scene says', async () => {
    const { snapshot, targets } = TOY_SCENE;
    const [narrow] = await run(toyTask(10, { ...TOY_SCENE, snapshot: snapshot.slice(1) }));
    expect(narrow?.failure).toBe("TypeError: the environment's snapshot has 3 values, its scene has 2 (y, warmth)");
    const [wide] = await run(toyTask(10, { ...TOY_SCENE, targets: [...targets, ...targets] }));
    expect(wide?.failure).toBe("TypeError: the environment's action has 2 values, its scene has 4 (x, y, x, y)");
  });

  it('fails where it cannot be created, or not in time', async () => {
    const refused: Task = { ...toyTask(10), create: () => Promise.reject(new Error('the lamp is broken')) };
    expect((await run(refused))[0]).toMatchObject({ ticks: 0, failure: 'Error: the lamp is broken' });
    const silent: Task = { ...toyTask(10), create: () => new Promise(() => {}) };
    const [late] = await evaluate(policy(), { task: silent, strategy, seeds: [1], parallel: 1, stepTimeoutMs: 20 });
    expect(late?.failure).toBe('Error: the environment did not answer create within 20 ms');
  });
});
