/** Browser code: rewards over control steps, with marks at decisions and a cursor. The picture is 1000 × 100, stretched to its place. */
export const REPLAY_TIMELINE = `
function createTimeline(svg, onPick) {
  let length = 1;
  let cursor;
  const line = (kind, x, y1, y2) => svgElement('line', { class: kind, x1: x, x2: x, y1, y2 });
  const pick = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    onPick(Math.round(Math.min(1, Math.max(0, (event.clientX - left) / width)) * length));
  };
  svg.addEventListener('pointerdown', (event) => {
    svg.setPointerCapture(event.pointerId);
    pick(event);
  });
  svg.addEventListener('pointermove', (event) => {
    if (event.buttons & 1) pick(event);
  });
  return {
    /** Entries { strategy, episode }; decisions are marked for the first one. */
    show(entries, ticks) {
      length = Math.max(1, ticks);
      const x = (tick) => (1000 * tick) / length;
      const marks = entries.flatMap(({ episode }, index) => [
        ...(index === 0 ? episode.decisionTicks.map((tick) => line('decision', x(tick), 94, 100)) : []),
        ...episode.stallTicks.map((tick) => line('stall', x(tick), index === 0 ? 84 : 74, index === 0 ? 100 : 82)),
      ]);
      const curves = entries.map(({ strategy, episode }) => {
        const points = [0, ...episode.rewards].map((reward, tick) => x(tick) + ',' + (96 - 92 * reward));
        return svgElement('polyline', { class: 'reward', points: points.join(' '), stroke: strategy.colour });
      });
      cursor = line('cursor', 0, 0, 100);
      svg.replaceChildren(...marks, ...curves, cursor);
    },
    move(tick) {
      cursor.setAttribute('x1', (1000 * tick) / length);
      cursor.setAttribute('x2', (1000 * tick) / length);
    },
  };
}

function svgElement(name, attributes) {
  const created = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  return created;
}
`;
