import { REPLAY_BOARD } from './replay-board.js';
import { REPLAY_LINK } from './replay-link.js';
import { REPLAY_TIMELINE } from './replay-timeline.js';
import { REPLAY_VIEWER } from './replay-viewer.js';
import { SORT_TABLE } from './sort-table.js';
import { TOGGLE_CURVES } from './toggle-curves.js';

/** The script of the page. It adds interaction; what there is to read is there without it. */
export const CLIENT = `(() => {
'use strict';
${[SORT_TABLE, TOGGLE_CURVES, REPLAY_LINK, REPLAY_BOARD, REPLAY_TIMELINE, REPLAY_VIEWER].join('')}
})();
`;
