import { type Scene, type SceneMoment, type ScenePart, sceneAxes } from '../scene.js';
import { AGENT_RADIUS, BAR_VERTICES, BOARD_SIZE, GOAL, STEM_VERTICES, WALLS } from './board.js';
import { AGENT_RIM, drawPicture } from './picture.js';
import { SUCCESS_COVERAGE } from './push-t.js';

const BLOCK = rectangle(BAR_VERTICES) + rectangle(STEM_VERTICES);
const GOAL_PLACE = `translate(${GOAL.blockX} ${GOAL.blockY}) rotate(${(GOAL.angle * 180) / Math.PI})`;

/** The two sets of colours are those of light and dark pages. */
const STYLE = `
.board svg { --goal: #90ee90; --block: #8fa3b8; --block-edge: #778899; --agent: #4169e1; --agent-inner: #4e7eff; --wall: #d3d3d3; }
@media (prefers-color-scheme: dark) {
  .board svg { --goal: #2f6b3a; --block-edge: #aebccb; --agent: #6f8ff0; --agent-inner: #8aa5ff; --wall: #3a4148; }
}
.walls { fill: none; stroke: var(--wall); stroke-width: 4; }
.goal { fill: var(--goal); }
.block { fill: var(--block); stroke: var(--block-edge); stroke-width: 2; stroke-linejoin: round; }
.agent { fill: var(--agent); }
.agent :last-child { fill: var(--agent-inner); }
.trail { fill: none; stroke: var(--agent); stroke-width: 2; opacity: .45; stroke-linejoin: round; }
.target { fill: none; stroke: #d55e00; stroke-width: 3; }
`;

/** Positions in pixels of the board, the angle in radians. */
export const PUSH_T_SCENE: Scene = {
  title: 'Push-T',
  scoring:
    'the part of the goal that the block covers, limited to 1, which it reaches at 95&nbsp;%; an episode is a success where it ' +
    'covers more than that.',
  tickRate: 10,
  snapshot: [...sceneAxes(3, 'agent x', 'agent y', 'block origin x', 'block origin y'), ...sceneAxes(5, 'block angle')],
  targets: sceneAxes(3, 'x', 'y'),
  board: {
    width: BOARD_SIZE,
    height: BOARD_SIZE,
    markup: [
      walls(),
      `<g class="goal" transform="${GOAL_PLACE}">${BLOCK}</g>`,
      '<polyline class="trail" data-part="trail"></polyline>',
      `<g class="block" data-part="block">${BLOCK}</g>`,
      `<g class="agent" data-part="agent"><circle r="${AGENT_RADIUS}"></circle><circle r="${AGENT_RADIUS - AGENT_RIM}"></circle></g>`,
      '<path class="target" data-part="target" d="M-9 -9L9 9M-9 9L9 -9"></path>',
    ].join(''),
    style: STYLE,
    legend: 'Green is where the block should be. The cross is the target sent to the agent, the line where the agent has been.',
    show,
  },
  describeReward: (reward) => `coverage ${(reward * SUCCESS_COVERAGE).toFixed(2)}`,
  picture: ([agentX = 0, agentY = 0, blockX = 0, blockY = 0, angle = 0]) => drawPicture({ agentX, agentY, blockX, blockY, angle }),
};

function show(part: (name: string) => ScenePart, { tick, states, targets }: SceneMoment): void {
  const [agentX, agentY, blockX, blockY, angle] = states.slice(5 * tick, 5 * tick + 5);
  part('agent').setAttribute('transform', `translate(${agentX} ${agentY})`);
  part('block').setAttribute('transform', `translate(${blockX} ${blockY}) rotate(${((angle as number) * 180) / Math.PI})`);
  const places: string[] = [];
  for (let at = 0; at <= tick; at++) places.push(`${states[5 * at]},${states[5 * at + 1]}`);
  part('trail').setAttribute('points', places.join(' '));
  // The target that led here; before the first tick there is none.
  const target = part('target');
  target.style.display = tick === 0 ? 'none' : '';
  if (tick > 0) target.setAttribute('transform', `translate(${targets[2 * tick - 2]} ${targets[2 * tick - 1]})`);
}

/** An SVG element for four corners that begin at the top left. */
function rectangle([left = 0, top = 0, right = 0, , , bottom = 0]: readonly number[]): string {
  return `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"></rect>`;
}

function walls(): string {
  const [low, high] = [Math.min(...WALLS.flat()), Math.max(...WALLS.flat())];
  return `<rect class="walls" x="${low}" y="${low}" width="${high - low}" height="${high - low}"></rect>`;
}
