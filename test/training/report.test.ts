import { describe, expect, it } from 'vitest';
import type { RunHistory } from '../../src/training/loop/history.js';
import { renderTrainingReport } from '../../src/training/report/render.js';

const HISTORY: RunHistory = {
  steps: [1, 2, 3].map((step) => ({ step, loss: 1 / step, gradientNorm: 10 / step, learningRate: 1e-4 * step })),
  evaluations: [2, 3].map((step) => ({
    step,
    figures: { 'validation error': 0.1 / step, 'validation error, unseen rows': 0.2 / step, '<b>score</b>': 0.5 },
  })),
  samples: [{ rows: 2, actionDim: 2, target: [0, 1, 0.5, 1], predicted: [0.1, 0.9, 0.4, 1], previous: [0, 0, 0, 0] }],
};
const FACTS = { title: 'training a <predictor>', facts: [['Robot', 'so101 & co']], steps: 10, isLive: true } as const;

describe('the report of a training run', () => {
  const page = renderTrainingReport(HISTORY, FACTS);

  it('shows loss, norm, rate, figures and chunks', () => {
    for (const title of ['Loss', 'Norm of the gradient', 'Learning rate', 'Errors', 'Situation 1, action 0:', 'Situation 1, action 1:']) {
      expect(page).toContain(`aria-label="${title}"`);
    }
    expect(page.match(/<path/g)).toHaveLength(3 + 2 + 1 + 2 * 3);
    expect(page).toContain('so101 &amp; co');
  });

  it('is text of others nowhere', () => {
    expect(page).not.toContain('<predictor>');
    expect(page).not.toContain('<b>score');
    expect(page).toContain('&lt;b&gt;score');
    expect(page).toContain('default-src &#39;none&#39;');
  });

  it('loads itself anew as long as the run goes on', () => {
    expect(page).toContain('http-equiv="refresh"');
    expect(renderTrainingReport(HISTORY, { ...FACTS, isLive: false })).not.toContain('http-equiv="refresh"');
  });

  it('is there before anything happened, and where values have no logarithm', () => {
    const empty = renderTrainingReport({ steps: [], evaluations: [], samples: [] }, FACTS);
    expect(empty).toContain('training a &lt;predictor&gt;');
    const odd = renderTrainingReport({ ...HISTORY, steps: [{ step: 1, loss: 0, gradientNorm: NaN, learningRate: 0 }] }, FACTS);
    expect(odd).not.toContain('NaN');
  });
});
