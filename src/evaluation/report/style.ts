import { COSTS } from './costs.js';

/** Plots of which one is shown: that of the cost whose button is chosen. */
const CHOSEN_PLOT = COSTS.map(({ id }) => `#cost-${id}:checked ~ [data-cost=${id}]`).join(', ');

/** The style sheet of the page: two sets of colours, then one block per section. What is on a board is its scene's. */
export const STYLE = `
:root {
  --page: #ffffff; --panel: #f6f8fa; --text: #1d2329; --muted: #5b6570; --line: #e2e6ea; --low: #d55e00; --high: #0072b2;
  --warning: #fff4e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1b1f24; --text: #e3e6e9; --muted: #98a2ac; --line: #2c3238; --low: #e8803a; --high: #4aa8e0;
    --warning: #33291a;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 96px; }
h1 { margin: 0 0 20px; font-size: 1.75rem; line-height: 1.25; font-weight: 650; }
h2 { margin: 0 0 4px; font-size: 1.2rem; font-weight: 650; }
section { margin-top: 64px; }
section.close { margin-top: 0; }
header + #frontier { margin-top: 0; }
small { display: block; color: var(--muted); font-size: .75rem; line-height: 1.35; font-weight: 400; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: .9rem; }
svg { display: block; width: 100%; height: auto; }
.overline { margin: 0; color: var(--muted); font-size: .85rem; }
.introduction { margin: 0 0 20px; max-width: 76ch; color: var(--muted); font-size: .92rem; }
.introduction strong, .introduction b { color: var(--text); }
.note { color: var(--muted); font-size: .85rem; }
.warning { padding: 12px 16px; border-left: 3px solid var(--low); background: var(--warning); font-size: .92rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 12px 32px; margin: 0 0 24px; }
.facts dt { color: var(--muted); font-size: .8rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.swatch { display: inline-block; width: 22px; height: 12px; margin-right: 8px; vertical-align: -1px; flex: none; }
.scroll { overflow-x: auto; }
kbd { padding: 0 5px; border: 1px solid var(--line); border-radius: 4px; font: inherit; font-size: .85em; }
button, select { font: inherit; font-size: .88rem; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; }
button { cursor: pointer; }
button:hover, select:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--high); outline-offset: 2px; }

.gridline { stroke: var(--line); }
.axis { stroke: var(--muted); }
.tick { fill: var(--muted); color: var(--muted); font-size: 12px; }
.label { fill: var(--text); font-size: 12px; stroke: var(--page); stroke-width: 3px; paint-order: stroke; }
.leader { stroke: var(--muted); stroke-width: .8; }
.whisker { fill: none; stroke-width: 1.6; opacity: .75; }
.front { fill: none; stroke: var(--muted); stroke-dasharray: 3 4; }
.marker { stroke: var(--page); stroke-width: 1; }
.limit { stroke: var(--muted); stroke-dasharray: 6 4; }
.ring { fill: none; stroke: var(--text); stroke-width: 1.6; }
.point.grey { filter: grayscale(1); opacity: .4; }
.label.grey { fill: var(--muted); }
.label.strong { font-weight: 700; font-size: 13px; }
.verdict { max-width: 100ch; margin: 0 0 16px; }
.verdict p { margin: 0; }
.verdict ul + p { margin-top: 4px; font-size: .88rem; }
.verdict ul { margin: 4px 0 0; padding-left: 1.2em; font-size: .88rem; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.strong { stroke-width: 4; }
.hidden { display: none; }
.narrow { display: none; }

.switch > input { position: absolute; opacity: 0; }
.switch > label { display: inline-block; padding: 4px 14px; border: 1px solid var(--line); font-size: .88rem; color: var(--muted); cursor: pointer; }
.switch > label:first-of-type { border-radius: 6px 0 0 6px; }
.switch > label:last-of-type { border-radius: 0 6px 6px 0; margin-left: -1px; }
.switch > label:only-of-type { display: none; }
.switch > input:checked + label { background: var(--panel); color: var(--text); font-weight: 600; }
.switch > input:focus-visible + label { outline: 2px solid var(--high); outline-offset: 2px; }
.plot { display: none; margin-top: 16px; }
${CHOSEN_PLOT} { display: block; }

table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.numbers { width: 100%; font-size: .86rem; }
.numbers td small { white-space: pre; }
.numbers th, .numbers td { padding: 8px 8px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
.numbers thead th { border-bottom-color: var(--muted); color: var(--muted); font-size: .8rem; font-weight: 500; vertical-align: bottom; }
.numbers th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: var(--page); }
.numbers tbody th { font-weight: 500; }
.numbers tbody th .swatch { margin-right: 6px; }
.numbers tbody th small { max-width: 30ch; margin-left: 28px; white-space: normal; }
.numbers thead button { padding: 0; border: 0; background: none; font-size: inherit; }
.numbers thead button:hover { color: var(--text); }
.numbers [aria-sort] button { color: var(--text); font-weight: 650; }
.numbers [aria-sort=ascending] button::after { content: ' ↑'; }
.numbers [aria-sort=descending] button::after { content: ' ↓'; }
.numbers .interval { width: 280px; min-width: 200px; }
.ends { display: flex; justify-content: space-between; min-width: 180px; }

.legend { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 20px; }
.legend button { display: flex; align-items: center; }
.legend [aria-pressed=false] { color: var(--muted); background: none; border-style: dashed; }
.legend [aria-pressed=false] .swatch { opacity: .35; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 32px; }

.shade { background: color-mix(in oklab, var(--ink) calc(var(--strength) * .8), var(--page)); }
.seeds { font-size: .82rem; }
.seeds th { font-weight: 500; text-align: left; white-space: nowrap; }
.seeds thead th { color: var(--muted); font-size: .75rem; }
.seeds tbody th { position: sticky; left: 0; padding-right: 12px; background: var(--page); }
.seeds td.shade { width: 17px; min-width: 17px; height: 24px; padding: 0; border: 1px solid var(--page); text-align: center; line-height: 1; }
.seeds a { display: block; height: 100%; line-height: 22px; color: inherit; font-weight: 900; text-decoration: none; }
.seeds a:hover { box-shadow: inset 0 0 0 2px var(--text); }
.scale { display: flex; align-items: center; margin: 12px 0 0; color: var(--muted); font-size: .78rem; }
.scale span { min-width: 44px; padding: 1px 0; text-align: center; color: var(--text); }
.scale span:first-of-type { margin-left: 8px; }

.grids { display: flex; flex-wrap: wrap; gap: 32px 56px; }
.grids figure { max-width: 100%; }
.grid { margin-top: 8px; font-size: .9rem; }
.grid th { padding: 6px 12px 6px 0; font-weight: 500; text-align: left; }
.grid thead th { padding: 4px 12px; text-align: center; }
.grid thead th:first-child { text-align: left; padding-left: 0; }
.grid .option { color: var(--muted); font-size: .8rem; }
.grid td.shade { padding: 10px 14px; border: 2px solid var(--page); text-align: center; }
.grid td.shade small { color: inherit; opacity: .85; white-space: nowrap; }

.viewer:focus-visible { outline: 1px solid var(--line); outline-offset: 8px; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin: 12px 0; font-size: .88rem; }
.controls label { color: var(--muted); }
.controls select { color: var(--text); max-width: 60vw; }
.controls output { margin-left: auto; color: var(--muted); font-variant-numeric: tabular-nums; }
[data-part=play] { min-width: 5.5em; }
.boards { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 24px; }
.board { max-width: 512px; }
.board figcaption { padding-left: 10px; margin-bottom: 8px; border-left: 4px solid var(--colour); line-height: 1.2; }
.board + .board figcaption { border-left-style: dashed; }
.status { margin: 6px 0 0; color: var(--muted); font-size: .82rem; font-variant-numeric: tabular-nums; }
.timeline { margin-top: 20px; }
.timeline svg { height: 110px; border-bottom: 1px solid var(--muted); background: var(--panel); cursor: pointer; touch-action: none; }
.timeline svg > * { vector-effect: non-scaling-stroke; }
.timeline input { display: block; width: calc(100% + 16px); margin: 6px -8px; accent-color: var(--high); }
.reward { fill: none; stroke-width: 2; }
.reward + .reward { stroke-dasharray: 5 4; }
.decision { stroke: var(--muted); }
.stall { stroke: var(--low); stroke-width: 3; }
.cursor { stroke: var(--text); }
.key { display: flex; align-items: center; color: var(--muted); font-size: .78rem; }
.key i { width: 0; height: 10px; margin: 0 6px 0 0; border-left: 1px solid var(--muted); }
.key i.stall { margin-left: 20px; border-left: 3px solid var(--low); }

@media (max-width: 720px) {
  main { padding: 28px 16px 64px; }
  h1 { font-size: 1.4rem; }
  section { margin-top: 48px; }
  .wide { display: none; }
  .narrow { display: block; }
  .pair, .boards { grid-template-columns: 1fr; }
  .facts { grid-template-columns: 1fr 1fr; gap: 12px 16px; font-size: .92rem; }
  .numbers th:first-child { min-width: 118px; max-width: 40vw; padding-right: 12px; white-space: normal; overflow-wrap: anywhere; }
  .numbers tbody th small { display: none; }
  .seeds tbody th { max-width: 42vw; overflow: hidden; text-overflow: ellipsis; }
}
`;
