import { describe, expect, it } from 'vitest';
import { sceneOf } from '../../src/envs/tasks.js';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { clientScript } from '../../src/evaluation/report/client/page.js';
import { readLink } from '../../src/evaluation/report/client/replays.js';
import { runningMaximum, sortedScores } from '../../src/evaluation/report/curves.js';
import { milliseconds, replayHash, shade, signed } from '../../src/evaluation/report/format.js';
import { frontOf } from '../../src/evaluation/report/frontier.js';
import { type Box, overlap, placeLabels } from '../../src/evaluation/report/place-labels.js';
import { renderReport } from '../../src/evaluation/report/render.js';
import { OptionError } from '../../src/foundation/errors.js';
import { logAxis } from '../../src/report/axes.js';
import { embeddedJson } from '../../src/report/html.js';
import { CHARACTERS, evaluationRecord } from '../support/evaluation-record.js';

/** The page without its script and data. */
function markup(page: string): string {
  return page.replaceAll(/<script[\s\S]*?<\/script>/g, '');
}

function withName(name: string): EvaluationRecord {
  const record = evaluationRecord({ characters: CHARACTERS.slice(0, 2), episodes: 3 });
  return {
    ...record,
    strategies: record.strategies.map((strategy, index) => (index === 0 ? { ...strategy, name, description: name } : strategy)),
  };
}

describe('the report', () => {
  const [first] = CHARACTERS;
  const plain = evaluationRecord({ characters: CHARACTERS.slice(0, 3), episodes: 5 });
  const shapes: readonly (readonly [string, EvaluationRecord])[] = [
    ['of everything', evaluationRecord({ grids: true })],
    ['without latencies', evaluationRecord({ latency: false, episodes: 5 })],
    ['without replays', evaluationRecord({ replays: 0, episodes: 5 })],
    ['of one episode', evaluationRecord({ episodes: 1 })],
    ['of one strategy', evaluationRecord({ characters: first ? [first] : [] })],
    ['of a software adapter', evaluationRecord({ isSoftware: true, episodes: 5 })],
    [
      'of latencies that only some strategies have',
      {
        ...plain,
        strategies: plain.strategies.map(({ latency, ...strategy }, index) =>
          index === 1 || !latency ? strategy : { ...strategy, latency },
        ),
      },
    ],
    [
      'of an episode that failed at once',
      {
        ...plain,
        strategies: plain.strategies.map((strategy) => ({
          ...strategy,
          episodes: strategy.episodes.map(({ replay: _, ...episode }) => ({
            ...episode,
            score: 0,
            success: false,
            ticks: 0,
            decisions: 1,
            evaluations: 0,
            screening: 0,
            stalls: 0,
            jumps: [],
            rewards: [],
            failure: 'at once',
          })),
        })),
      },
    ],
    [
      'of strategies without seeds in common',
      {
        ...plain,
        strategies: plain.strategies.map((strategy, index) => ({ ...strategy, episodes: strategy.episodes.slice(index, index + 1) })),
      },
    ],
    [
      'of a grid whose strategies are missing',
      {
        ...plain,
        grids: [{ axes: [{ option: 'budget', values: ['1', '2'] }], cells: ['step:1'] }],
      },
    ],
  ];

  it.each(shapes)('%s has numbers only where there are any', (_name, record) => {
    const page = renderReport(record);
    expect(markup(page)).not.toMatch(/NaN|undefined|Infinity|null|\[object/);
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });

  it('is one file that names nothing outside itself', () => {
    const page = renderReport(evaluationRecord({ grids: true, episodes: 5 }));
    // The name of SVG's namespace is a name, and asks for nothing.
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|@import|url\(/);
  });

  it('is the same for the same record', () => {
    expect(renderReport(evaluationRecord({ episodes: 5 }))).toBe(renderReport(evaluationRecord({ episodes: 5 })));
  });

  it('shows every strategy without its script', () => {
    const text = markup(renderReport(evaluationRecord({ episodes: 5 })));
    for (const { name } of CHARACTERS) expect(text.split(`>${name}<`).length, name).toBeGreaterThan(3);
  });

  it('escapes names, in text, attributes and data', () => {
    const name = '</script><b a="1" c=\'2\'>&';
    const page = renderReport(withName(name));
    expect(page).not.toContain('</script><b');
    expect(page).not.toContain('<b a=');
    expect(page).toContain('&lt;/script&gt;&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;');
    expect(JSON.parse(embeddedJson({ name }))).toEqual({ name });
    expect(embeddedJson({ name })).not.toContain('<');
  });

  it('says which task it was, with its options, and what simulated it', () => {
    const task = 'push-t/option=2';
    const told = (changes: object): string => renderReport({ ...plain, ...changes }, sceneOf(plain.task));
    expect(told({ task })).toContain('<dt>Task</dt><dd>push-t/option=2</dd>');
    expect(told({ task, simulator: 'MuJoCo 3.14.0' })).toContain('<dt>Task</dt><dd>push-t/option=2, in MuJoCo 3.14.0</dd>');
    expect(() => told({ simulator: 3 })).toThrow("the record's simulator must be a text, found 3");
  });

  it('says that times of a software adapter mean nothing, and that few episodes say little', () => {
    const careful = renderReport(evaluationRecord({ isSoftware: true, episodes: 3 }));
    expect(careful).toContain('the times say nothing about a GPU');
    expect(careful).toContain('<strong>3 episodes.</strong> Too few');
    const sound = renderReport(evaluationRecord());
    expect(sound).not.toContain('<p class="warning">');
  });

  it('names the strategies that a plot cannot show', () => {
    const record = shapes.find(([name]) => name.includes('only some'))?.[1] as EvaluationRecord;
    expect(renderReport(record)).toContain('Not measured, and so not shown by latency: ddpm:100.');
  });

  it('draws records of before tasks had scenes as it did', () => {
    const page = renderReport(evaluationRecord({ episodes: 5 }));
    expect(page).toContain('<title>Push-T evaluation of pusht-state, 2025-06-01</title>');
    expect(page).toContain('the part of the goal that the block covers, limited to 1');
    expect(page).toContain(
      '<rect class="walls" x="5" y="5" width="501" height="501"></rect><g class="goal" transform="translate(256 256) rotate(45)">',
    );
    expect(page).toContain('<rect x="-60" y="0" width="120" height="30"></rect><rect x="-15" y="30" width="30" height="90"></rect>');
  });

  it('has a script of functions that need nothing of the files they are from', () => {
    const script = clientScript(() => {});
    expect(() => new Function(script)).not.toThrow();
    // What compilers, and those of tests, put in place of an import or around a function.
    expect(script).not.toMatch(/__|\bimport\b|\bexports?\b|\brequire\b/);
    const names = ['sortTables', 'toggleCurves', 'startViewer', 'createBoard', 'createTimeline', 'readLink', 'replayHash'];
    for (const name of names) expect(script.split(`function ${name}(`), name).toHaveLength(2);
  });

  it('is refused for a record without strategies', () => {
    expect(() => renderReport(evaluationRecord({ characters: [] }))).toThrow(OptionError);
  });
});

describe('curves', () => {
  const [episode] = evaluationRecord({ characters: CHARACTERS.slice(0, 1), episodes: 1 }).strategies[0]?.episodes ?? [];
  const withRewards = (...rewards: number[]): NonNullable<typeof episode> => ({
    ...(episode as NonNullable<typeof episode>),
    rewards,
    score: Math.max(...rewards),
  });

  it('keep the largest reward of an episode after it ended', () => {
    expect(runningMaximum([withRewards(0, 0.5, 0.25, 1), withRewards(0.5)], 5)).toEqual([0.25, 0.5, 0.5, 0.75, 0.75]);
  });

  it('sort scores, the best first', () => {
    expect(sortedScores([withRewards(0.2), withRewards(1), withRewards(0.6)])).toEqual([1, 0.6, 0.2]);
  });
});

describe('frontier', () => {
  it('consists of the points that nothing cheaper or equally cheap beats', () => {
    const points = [
      { cost: 10, score: 0.9 },
      { cost: 2, score: 0.4 },
      { cost: 4, score: 0.3 },
      { cost: 2, score: 0.8 },
      { cost: 100, score: 0.9 },
    ];
    expect(frontOf(points)).toEqual([
      { cost: 2, score: 0.8 },
      { cost: 10, score: 0.9 },
    ]);
  });

  it.each([[[1, 100]], [[31]], [[0.012, 0.013]], [[7.1, 7.3, 305]]])('has numbers on the axis of costs %j', (costs) => {
    const axis = logAxis('ms', costs, { left: 40, top: 0, width: 900, height: 400 });
    expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
    for (const { value } of axis.ticks) {
      expect(axis.place(value)).toBeGreaterThanOrEqual(40);
      expect(axis.place(value)).toBeLessThanOrEqual(940);
    }
  });
});

describe('labels', () => {
  const bounds: Box = { left: 0, top: 0, right: 400, bottom: 300 };
  const points = Array.from({ length: 12 }, (_, index) => ({ x: 200 + 3 * (index % 4), y: 150 + 9 * index, text: `strategy:${index}` }));

  it('cover neither each other, nor points, nor obstacles, and stay inside', () => {
    const wall: Box = { left: 230, top: 0, right: 240, bottom: 300 };
    const placed = placeLabels(points, [wall], bounds);
    expect(placed.length).toBeGreaterThan(8);
    const boxes = placed.map(({ x, y, point }) => ({ left: x, top: y - 10, right: x + 7 * point.text.length, bottom: y + 3 }));
    boxes.forEach((box, index) => {
      expect(box.left).toBeGreaterThanOrEqual(0);
      expect(box.right).toBeLessThanOrEqual(400);
      expect(overlap(box, wall)).toBe(false);
      for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
      for (const { x, y } of points) expect(overlap(box, { left: x - 4, top: y - 4, right: x + 4, bottom: y + 4 })).toBe(false);
    });
  });

  it('have a line to their point where they are away from it', () => {
    const placed = placeLabels(points, [], bounds);
    expect(placed[0]?.leader).toBeUndefined();
    expect(placed.some(({ leader }) => leader !== undefined)).toBe(true);
  });

  it('are left out where there is no room', () => {
    expect(placeLabels([{ x: 50, y: 50, text: 'a name' }], [bounds], bounds)).toEqual([]);
  });
});

describe('text', () => {
  it.each([
    [0.0312, '0.031'],
    [7.256, '7.26'],
    [31.04, '31.0'],
    [305.4, '305'],
    [undefined, '–'],
  ])('of %s ms is %s', (value, text) => {
    expect(milliseconds(value)).toBe(text);
  });

  it('of differences has a sign', () => {
    expect([signed(0.1234), signed(-0.5), signed(0)]).toEqual(['+0.123', '−0.500', '0.000']);
  });

  it('of a link to a replay can be read, and holds any name', () => {
    expect(replayHash({ strategy: 'step:2/start=eq13', seed: 100_003, tick: 120 })).toBe('#replay=step:2/start=eq13,100003,120');
    expect(replayHash({ strategy: 'dpm-solver++:4', seed: 0, tick: 0 })).toBe('#replay=dpm-solver++:4,0,0');
    expect(replayHash({ strategy: 'a,b "c"', seed: 1, tick: 2 })).toBe('#replay=a%2Cb%20%22c%22,1,2');
  });

  it('of a link to a replay beside another is read as it was written', () => {
    const moment = { strategy: 'a,b', seed: 7, tick: 9, beside: 'step:2' };
    expect(replayHash(moment)).toBe('#replay=a%2Cb,7,9,step:2');
    expect(readLink(replayHash(moment))).toEqual(moment);
    expect(readLink('#replay=a,7,-3')).toEqual({ strategy: 'a', seed: 7, tick: 0, beside: undefined });
    expect([readLink('#elsewhere'), readLink('#replay=%E0%A4%A,1,5')]).toEqual([undefined, undefined]);
  });

  it('of a shade is strongest at both ends', () => {
    expect([shade(0), shade(0.5), shade(0.75), shade(1)]).toEqual([
      '--ink:var(--low);--strength:100%',
      '--ink:var(--high);--strength:0%',
      '--ink:var(--high);--strength:50%',
      '--ink:var(--high);--strength:100%',
    ]);
  });
});
