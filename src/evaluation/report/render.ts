import type { Scene, SceneAxis } from '../../envs/scene.js';
import { sceneOf } from '../../envs/tasks.js';
import { checkList, checkMethods, checkNumber, checkObject, checkText } from '../../foundation/options.js';
import { element, escape } from '../../report/html.js';
import { checkRecord } from '../check.js';
import type { EvaluationRecord } from '../record.js';
import { clientScript } from './client/page.js';
import { curvesSection } from './curves.js';
import { differencesSection } from './differences.js';
import { frontierSection } from './frontier.js';
import { gridsSection } from './grids.js';
import { headSection } from './head.js';
import { reportModel } from './model.js';
import { stallSection } from './paper/stall-section.js';
import { replaysSection } from './replays.js';
import { seedsSection } from './seeds.js';
import { STYLE } from './style.js';
import { tableSection } from './table.js';

/** The page asks nothing of any network, and its browser holds it to that. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/**
 * An evaluation as one HTML file that needs nothing else: plots and tables are in it as they are read, a script adds
 * sorting, toggles and replays. The same record gives the same text. `given`: the scene of the record's task, where that is none of
 * those that come with the package.
 * @throws OptionError for a record without strategies, for a strategy without episodes, and for a task without a scene.
 */
export function renderReport(record: EvaluationRecord, given?: Scene): string {
  checkRecord('renderReport', record);
  const scene = given === undefined ? sceneOf(record.task) : given;
  checkScene(scene);
  const model = reportModel(record, scene);
  const head = element('head', {}, [
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('link', { rel: 'icon', href: 'data:,' }),
    element('title', {}, escape(`${scene.title} evaluation of ${record.policy.name}, ${record.date.slice(0, 10)}`)),
    element('style', {}, STYLE + scene.board.style),
  ]);
  const frontier = frontierSection(model);
  const sections = [
    headSection(model, model.focus ? frontier : ''),
    model.focus ? '' : frontier,
    ...[tableSection, differencesSection, curvesSection, seedsSection, gridsSection, stallSection, replaysSection].map((render) =>
      render(model),
    ),
  ];
  const body = element('body', {}, [
    element('main', {}, sections),
    element('script', {}, clientScript(scene.board.show, scene.board.data)),
  ]);
  return `<!doctype html>\n${element('html', { lang: 'en' }, [head, body])}\n`;
}

/** @throws OptionError for a scene that a page could not show. */
function checkScene(scene: Scene): void {
  const where = 'renderReport: scene';
  checkObject(where, 'the scene', scene);
  checkText(where, 'title', scene.title);
  checkText(where, 'scoring', scene.scoring);
  checkNumber(where, 'tickRate', scene.tickRate, 'a number above 0', (rate) => rate > 0 && rate < Infinity);
  for (const name of ['snapshot', 'targets'] as const) {
    checkList(where, name, scene[name], (axis) =>
      checkText(where, 'the name of an axis', (checkObject(where, 'an axis', axis) as SceneAxis).name),
    );
  }
  checkMethods(where, 'the scene', scene, 'a scene', ['describeReward']);
  const { board } = scene;
  checkMethods(where, 'board', board, 'a board', ['show']);
  for (const name of ['markup', 'style', 'legend'] as const) checkText(where, `board.${name}`, board[name]);
  for (const name of ['width', 'height'] as const) {
    checkNumber(where, `board.${name}`, board[name], 'a number above 0', (side) => side > 0 && side < Infinity);
  }
}
