import { describe, expect, it } from 'vitest';
import type { SimulatedTask } from '../../src/envs/mujoco/task.js';
import { parseSo101Task } from '../../src/envs/so101/task.js';
import { parseGrid } from '../../src/evaluation/grid.js';
import type { EpisodeRecord, EvaluationRecord } from '../../src/evaluation/record.js';
import { PAPER_SIGMA_STALL, PAPER_STALL_TASKS, PAPER_STEPS, type PaperStallTask } from '../../src/evaluation/report/paper/stall-tables.js';
import { renderReport } from '../../src/evaluation/report/render.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import type { NamedStrategy } from '../../src/strategies/strategy-options.js';
import { evaluationRecord } from '../support/evaluation-record.js';

const EPISODES = 20;
const TASK = 'so101-pick-place';

function episode(seed: number, success: boolean): EpisodeRecord {
  const ticks = success ? 300 : 600;
  return { seed, score: Number(success), success, ticks, decisions: 1, evaluations: 2, screening: 0, stalls: 0, jumps: [], rewards: [] };
}

/** An evaluation in which so many of the episodes of each strategy were a success. */
function record(task: string, strategies: readonly NamedStrategy[], successes: (index: number) => number): EvaluationRecord {
  const bare = evaluationRecord({ episodes: EPISODES, replays: 0, latency: false });
  return {
    ...bare,
    task,
    maxTicks: 600,
    seed: 0,
    strategies: strategies.map(({ name, options }, index) => ({
      name,
      description: name,
      options,
      episodes: Array.from({ length: EPISODES }, (_, seed) => episode(seed, seed < successes(index))),
    })),
    grids: [],
  };
}

const { scene } = parseSo101Task(TASK) as SimulatedTask;
const paperSection = (of: EvaluationRecord): string | undefined => /<section id="paper".*?<\/section>/s.exec(renderReport(of, scene))?.[0];
const GRID = 'step/budget=8,4,2/start=eq13/sigmaT=0/sigmaStall=0,1.2';

describe("the paper's tables in a report", () => {
  it('stand beside our rates, with the time of an episode, and say what is further apart than chance', () => {
    const { strategies } = parseGrid(GRID);
    // 8 steps: 0 and 20 of 20; 4 steps: 0, 10; 2 steps: 12, 19.
    const html = paperSection(record(TASK, strategies, (index) => [0, 20, 0, 10, 12, 19][index] as number)) as string;
    expect(html).toContain('Table 8');
    expect(html).not.toContain('Table 9');
    expect(html).toContain('1.00 / 1.00<');
    expect(html).toContain('0.50 / 1.00 ≠');
    expect(html).toContain('0.60 / 0.00 ≠');
    expect(html).toContain('0.95 / 0.95<');
    expect(html).toContain('In 2 of 6 cells the paper’s rate is outside our interval (higher here in 1 of them, lower in 1).');
    expect(html).toContain('1.00 with 8 steps (σ_stall 1.2), 0.50 with 4 steps (σ_stall 1.2), 0.95 with 2 steps (σ_stall 1.2)');
    expect(html).toContain('here they are not');
    // 600 ticks at 30 Hz, and 300.
    expect(html).toContain('8 steps from 20.0 to 10.0 s (−50\u00a0%)');
    expect(html).toContain('Figure 7: −59\u00a0%');
  });

  it('have the columns of σ_scale where these were varied', () => {
    const { strategies } = parseGrid('step:2/start=eq13/sigmaT=0/sigmaScale=0.2,0.8/sigmaStall=0.8,1.2');
    const html = paperSection(record(TASK, strategies, () => 15)) as string;
    expect(html).toContain('Table 9');
    expect(html).not.toContain('Table 8');
    for (const cell of ['0.75 / 0.60<', '0.75 / 0.95 ≠', '0.75 / 0.55<', '0.75 / 0.75<']) expect(html).toContain(cell);
  });

  it.each([
    ['of another task', 'push-t', GRID],
    ['of another start rule', TASK, 'step:2/start=forward-noise/sigmaStall=0,1.2'],
    ['of another noise', TASK, 'step:2/start=eq13/sigmaT=0.1/sigmaStall=0,1.2'],
    ['of another rule of the stall', TASK, 'step:2/start=eq13/sigmaT=0/eps=0.1/sigmaStall=0,1.2'],
    ['of another predictor', TASK, 'step:2/start=eq13/sigmaT=0/predictor=shift/sigmaStall=0,1.2'],
    ['of values that the paper does not have', TASK, 'step:2/start=eq13/sigmaT=0/sigmaStall=0.3,1.3'],
  ])('are left out %s', (_, task, grid) => {
    expect(paperSection(record(task, parseGrid(grid).strategies, () => 10))).toBeUndefined();
  });

  it('are left out where no strategy is theirs, and with one alone', () => {
    const one = ['ddim:2', 'step:2/start=eq13/sigmaT=0/sigmaStall=1.2'].map(parseStrategy);
    expect(paperSection(record(TASK, one, () => 10))).toBeUndefined();
  });

  it.each([...PAPER_STALL_TASKS.values()])(
    'agree with themselves where both have a cell: $name',
    ({ bySteps, byScale }: PaperStallTask) => {
      expect(bySteps).toHaveLength(PAPER_SIGMA_STALL.length);
      expect(byScale).toHaveLength(PAPER_SIGMA_STALL.length);
      // Two steps and σ_scale 0.4 are in both tables.
      expect(byScale.map((row) => row[2])).toEqual(bySteps.map((row) => row[PAPER_STEPS.indexOf(2)]));
      expect(new Set(byScale.map(({ length }) => length)).size).toBe(1);
    },
  );
});
