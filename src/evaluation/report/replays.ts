import { element, embeddedJson, section } from '../../report/html.js';
import type { ReportModel } from './model.js';
import { replayData } from './replay-data.js';

/** Bar and stem of the block in its own coordinates: a T of area 6300. */
const BLOCK = [element('rect', { x: -60, y: 0, width: 120, height: 30 }), element('rect', { x: -15, y: 30, width: 30, height: 90 })];
const SPEEDS = ['0.5', '1', '2', '4'];

/** The viewer of replays: boards, timeline and controls; `client/replay-viewer.ts` brings them to life. */
export function replaysSection(model: ReportModel): string {
  const data = replayData(model);
  if (!data) return '';
  const introduction =
    'Green is where the block should be. The cross is the target sent to the agent, the line where the agent has been. ' +
    'Keys: <kbd>Left</kbd> <kbd>Right</kbd> one step, with <kbd>Shift</kbd> one decision, <kbd>Space</kbd> play, <kbd>Home</kbd> <kbd>End</kbd>. ' +
    'The address of this page names the moment that is shown.';
  return section('replays', 'Replays', introduction, [
    element('noscript', {}, element('p', { class: 'note' }, 'Replays need JavaScript.')),
    element('div', { id: 'viewer', class: 'viewer', tabindex: 0, hidden: '' }, [
      element('div', { class: 'controls' }, [select('seed', 'Seed'), select('first', 'Strategy'), select('second', 'beside')]),
      element('div', { class: 'boards' }, [board('first'), board('second')]),
      element('div', { class: 'timeline' }, [
        element('span', { class: 'tick' }, 'reward, 0 … 1'),
        element('svg', { 'data-part': 'timeline', viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' }),
        element('input', { type: 'range', 'data-part': 'slider', min: 0, max: 0, value: 0, step: 1, 'aria-label': 'control step' }),
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

/** 512 × 512 pixels, y down, as the environment has it. */
function board(part: string): string {
  return element('figure', { class: 'board', 'data-part': `${part}-board` }, [
    element('figcaption', { 'data-part': 'caption' }),
    element('svg', { viewBox: '0 0 512 512', role: 'img', 'aria-label': 'board' }, [
      element('rect', { class: 'walls', x: 5, y: 5, width: 501, height: 501 }),
      element('g', { class: 'goal', transform: 'translate(256 256) rotate(45)' }, BLOCK),
      element('polyline', { class: 'trail', 'data-part': 'trail' }),
      element('g', { class: 'block', 'data-part': 'block' }, BLOCK),
      element('g', { class: 'agent', 'data-part': 'agent' }, [element('circle', { r: 15 }), element('circle', { r: 11 })]),
      element('path', { class: 'target', 'data-part': 'target', d: 'M-9 -9L9 9M-9 9L9 -9' }),
    ]),
    element('p', { class: 'status', 'data-part': 'status' }),
  ]);
}
