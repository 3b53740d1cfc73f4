import type { Scene } from '../../envs/scene.js';
import { element, embeddedJson, section } from '../../report/html.js';
import type { ReportModel } from './model.js';
import { replayData } from './replay-data.js';

const SPEEDS = ['0.5', '1', '2', '4'];

/** The viewer of replays: boards, timeline and controls; `client/replays.ts` brings them to life. */
export function replaysSection(model: ReportModel): string {
  const data = replayData(model);
  if (!data) return '';
  const introduction =
    `${model.scene.board.legend} ` +
    'Keys: <kbd>Left</kbd> <kbd>Right</kbd> one step, with <kbd>Shift</kbd> one decision, <kbd>Space</kbd> play, <kbd>Home</kbd> <kbd>End</kbd>. ' +
    'The address of this page names the moment that is shown.';
  return section('replays', 'Replays', introduction, [
    element('noscript', {}, element('p', { class: 'note' }, 'Replays need JavaScript.')),
    element('div', { id: 'viewer', class: 'viewer', tabindex: 0, hidden: '' }, [
      element('div', { class: 'controls' }, [select('seed', 'Seed'), select('first', 'Strategy'), select('second', 'beside')]),
      element('div', { class: 'boards' }, [board('first', model.scene), board('second', model.scene)]),
      element('div', { class: 'timeline' }, [
        element('span', { class: 'tick' }, 'reward, 0 … 1'),
        element('svg', { 'data-part': 'timeline', viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' }),
        element('input', { type: 'range', 'data-part': 'slider', min: 0, max: 0, value: 0, step: 1, 'aria-label': 'tick' }),
        element('span', { class: 'key' }, [
          element('i', { class: 'decision' }),
          'decision',
          element('i', { class: 'stall' }),
          'stall rule fired (higher up: beside)',
        ]),
      ]),
      element('div', { class: 'controls' }, [
        button('back', 'Step back'),
        button('play', 'Play'),
        button('forward', 'Step on'),
        element('label', {}, ['Speed ', element('select', { 'data-part': 'speed' }, SPEEDS.map(speedOption))]),
        element('output', { 'data-part': 'clock' }),
      ]),
    ]),
    element('script', { type: 'application/json', id: 'replay-data' }, embeddedJson(data)),
  ]);
}

function speedOption(speed: string): string {
  return element('option', { value: speed, selected: speed === '1' ? '' : undefined }, `${speed}×`);
}

function select(part: string, name: string): string {
  return element('label', {}, [`${name} `, element('select', { 'data-part': part })]);
}

function button(part: string, name: string): string {
  return element('button', { type: 'button', 'data-part': part }, name);
}

function board(part: string, { board: { width, height, markup } }: Scene): string {
  return element('figure', { class: 'board', 'data-part': `${part}-board` }, [
    element('figcaption', { 'data-part': 'caption' }),
    element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'board' }, markup),
    element('p', { class: 'status', 'data-part': 'status' }),
  ]);
}
