import type { SceneBoard } from '../../../envs/scene.js';
import type { ReplayMoment, replayHash } from '../format.js';
import type { ReplayData, ReplayEpisode, ReplayStrategy } from '../replay-data.js';
import type { PageDocument, PageElement, PageEvent, PageWindow } from './dom.js';

// The page is given the text of these functions: each uses its arguments and what JavaScript has, and nothing else of this file.

/** An episode that is shown, and whose it is. */
interface Entry {
  readonly strategy: ReplayStrategy;
  readonly episode: ReplayEpisode;
}

interface Board {
  hide(): void;
  show(entry: Entry, tick: number): void;
}

interface Timeline {
  /** Decisions are marked for the first entry. */
  show(entries: readonly Entry[], ticks: number): void;
  move(tick: number): void;
}

/** What the viewer is made of, handed in by name. */
interface ViewerParts {
  readonly show: SceneBoard['show'];
  /** What `show` needs besides. */
  readonly data: unknown;
  readonly createBoard: typeof createBoard;
  readonly createTimeline: typeof createTimeline;
  readonly readLink: typeof readLink;
  readonly writeLink: typeof replayHash;
}

/** The moment that the end of the page's address names, as `replayHash` writes it; undefined where it names none. */
export function readLink(hash: string): ReplayMoment | undefined {
  if (!hash.startsWith('#replay=')) return undefined;
  try {
    const [strategy = '', seed, tick, beside] = hash.slice('#replay='.length).split(',').map(decodeURIComponent);
    return { strategy, seed: Number(seed), tick: Math.max(0, Math.floor(Number(tick ?? 0))) || 0, beside };
  } catch {
    // A link that was cut in the middle of an escape.
    return undefined;
  }
}

/** One board, which shows an episode at a tick. */
export function createBoard(figure: PageElement, show: SceneBoard['show'], data: unknown): Board {
  const part = (name: string): PageElement => figure.querySelector(`[data-part="${name}"]`) as PageElement;
  const [caption, status] = [part('caption'), part('status')];
  // A scene may have hundreds of parts, and asks for each at every tick.
  const drawn = new Map<string, PageElement>();
  const drawnPart = (name: string): PageElement => {
    const element = drawn.get(name) ?? (figure.querySelector(`svg [data-part="${name}"]`) as PageElement);
    drawn.set(name, element);
    return element;
  };

  function statusOf(episode: ReplayEpisode, tick: number): string {
    const rewards = episode.rewards.slice(0, tick);
    const decision = episode.decisionTicks.filter((at) => at < Math.max(1, tick)).length;
    const parts = [
      `reward ${(rewards.at(-1) ?? 0).toFixed(3)}`,
      `best so far ${Math.max(0, ...rewards).toFixed(3)}`,
      `decision ${decision} of ${episode.decisionTicks.length}`,
    ];
    if (tick === episode.ticks) parts.push(`${episode.failure ?? (episode.success ? 'success' : 'ended')} after ${tick} steps`);
    return parts.join(' · ');
  }

  return {
    hide() {
      figure.hidden = true;
    },
    show({ strategy, episode }, wanted) {
      figure.hidden = false;
      const tick = Math.min(wanted, episode.ticks);
      caption.textContent = strategy.name;
      caption.style.setProperty('--colour', strategy.colour);
      show(drawnPart, { tick, states: episode.states, targets: episode.targets }, data);
      status.textContent = statusOf(episode, tick);
    },
  };
}

/** Rewards over ticks, with marks at decisions and a cursor. The picture is 1000 × 100, stretched to its place. */
export function createTimeline(document: PageDocument, svg: PageElement, onPick: (tick: number) => void): Timeline {
  let length = 1;
  const create = (name: string, attributes: Readonly<Record<string, string | number>>): PageElement => {
    const created = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, String(value));
    return created;
  };
  const line = (kind: string, x: number, y1: number, y2: number): PageElement => create('line', { class: kind, x1: x, x2: x, y1, y2 });
  const cursor = line('cursor', 0, 0, 100);
  const pick = (event: PageEvent): void => {
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
    show(entries, ticks) {
      length = Math.max(1, ticks);
      const x = (tick: number): number => (1000 * tick) / length;
      const marks = entries.flatMap(({ episode }, index) => [
        ...(index === 0 ? episode.decisionTicks.map((tick) => line('decision', x(tick), 94, 100)) : []),
        ...episode.stallTicks.map((tick) => line('stall', x(tick), index === 0 ? 84 : 74, index === 0 ? 100 : 82)),
      ]);
      const curves = entries.map(({ strategy, episode }) => {
        const points = [0, ...episode.rewards].map((reward, tick) => `${x(tick)},${96 - 92 * reward}`);
        return create('polyline', { class: 'reward', points: points.join(' '), stroke: strategy.colour });
      });
      svg.replaceChildren(...marks, ...curves, cursor);
    },
    move(tick) {
      cursor.setAttribute('x1', String((1000 * tick) / length));
      cursor.setAttribute('x2', String((1000 * tick) / length));
    },
  };
}

/** What is shown, and everything that changes it: controls, keys, the page's address, time. */
export function startViewer(page: PageWindow, { show, data: shown, createBoard, createTimeline, readLink, writeLink }: ViewerParts): void {
  const { document } = page;
  const data = document.getElementById('replay-data');
  const viewer = document.getElementById('viewer');
  if (!data || !viewer) return;
  const { tickRate, strategies } = JSON.parse(data.textContent) as ReplayData;
  const part = (name: string): PageElement => viewer.querySelector(`[data-part="${name}"]`) as PageElement;
  const [seed, first, second] = [part('seed'), part('first'), part('second')];
  const [slider, play, clock, speed] = [part('slider'), part('play'), part('clock'), part('speed')];
  const boards = [createBoard(part('first-board'), show, shown), createBoard(part('second-board'), show, shown)];
  const timeline = createTimeline(document, part('timeline'), (tick) => seek(tick));
  const seeds = [...new Set(strategies.flatMap(({ episodes }) => episodes.map((episode) => episode.seed)))].sort((a, b) => a - b);
  let moment: ReplayMoment = { strategy: '', seed: Number.NaN, tick: 0 };
  let entries: Entry[] = [];
  let length = 0;
  let playing: { time: number; tick: number; request: number } | undefined;

  const entryOf = (name: string | undefined, wanted: number): Entry | undefined => {
    const strategy = strategies.find((candidate) => candidate.name === name);
    const episode = strategy?.episodes.find((candidate) => candidate.seed === wanted);
    return strategy && episode && { strategy, episode };
  };

  function fill(select: PageElement, names: readonly string[], chosen: string, empty?: string): void {
    const options = names.map((name) => new page.Option(name, name));
    select.replaceChildren(...(empty === undefined ? [] : [new page.Option(empty, '')]), ...options);
    select.value = chosen;
  }

  /** Shows the moment, or as much of it as there is. */
  function go(wanted: ReplayMoment): void {
    const available = strategies.filter(({ name }) => entryOf(name, wanted.seed)).map(({ name }) => name);
    const main = entryOf(wanted.strategy, wanted.seed) ?? entryOf(available[0], wanted.seed);
    if (!main) return;
    const { name } = main.strategy;
    const beside = wanted.beside === name ? undefined : entryOf(wanted.beside, wanted.seed);
    entries = beside ? [main, beside] : [main];
    length = Math.max(...entries.map(({ episode }) => episode.ticks));
    moment = { strategy: name, beside: beside?.strategy.name, seed: wanted.seed, tick: 0 };
    fill(seed, seeds.map(String), String(moment.seed));
    fill(first, available, name);
    const others = available.filter((candidate) => candidate !== name);
    fill(second, others, moment.beside ?? '', 'none');
    slider.max = String(length);
    timeline.show(entries, length);
    seek(wanted.tick);
  }

  function seek(wanted: number): void {
    const tick = Math.min(length, Math.max(0, wanted));
    moment = { ...moment, tick };
    boards.forEach((board, index) => {
      const entry = entries[index];
      if (entry) board.show(entry, tick);
      else board.hide();
    });
    timeline.move(tick);
    slider.value = String(tick);
    clock.textContent = `step ${tick} of ${length}`;
    if (!playing) rememberSoon();
  }

  // Browsers limit how often a page may change its address: not at every step of a drag, and not while playing.
  let remembering: number | undefined;
  function rememberSoon(): void {
    page.clearTimeout(remembering);
    remembering = page.setTimeout(() => page.history.replaceState(null, '', writeLink(moment)), 300);
  }

  function pause(): void {
    if (!playing) return;
    page.cancelAnimationFrame(playing.request);
    playing = undefined;
    play.textContent = 'Play';
    rememberSoon();
  }

  function start(): void {
    if (moment.tick === length) seek(0);
    page.clearTimeout(remembering);
    playing = { time: page.performance.now(), tick: moment.tick, request: page.requestAnimationFrame(advance) };
    play.textContent = 'Pause';
  }

  function advance(now: number): void {
    if (!playing) return;
    // Fractions are kept: a screen's frame is shorter than a tick.
    playing.tick += (Math.max(0, now - playing.time) / 1000) * tickRate * Number(speed.value);
    playing.time = now;
    if (Math.floor(playing.tick) !== moment.tick) seek(Math.floor(playing.tick));
    if (moment.tick === length) pause();
    else playing.request = page.requestAnimationFrame(advance);
  }

  function step(ticks: number): void {
    pause();
    seek(moment.tick + ticks);
  }

  function toDecision(direction: 1 | -1): void {
    const ticks = entries[0]?.episode.decisionTicks ?? [];
    const next = direction > 0 ? ticks.find((tick) => tick > moment.tick) : ticks.findLast((tick) => tick < moment.tick);
    step((next ?? (direction > 0 ? length : 0)) - moment.tick);
  }

  const keys: Readonly<Record<string, (event: PageEvent) => void>> = {
    ArrowLeft: (event) => (event.shiftKey ? toDecision(-1) : step(-1)),
    ArrowRight: (event) => (event.shiftKey ? toDecision(1) : step(1)),
    Home: () => step(-length),
    End: () => step(length),
    ' ': () => (playing ? pause() : start()),
  };
  viewer.addEventListener('keydown', (event) => {
    const own = event.target.tagName === 'SELECT' || (event.key === ' ' && event.target.tagName === 'BUTTON');
    const action = own || event.ctrlKey || event.altKey || event.metaKey ? undefined : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });

  const choose = (): void => {
    pause();
    go({ strategy: first.value, beside: second.value || undefined, seed: Number(seed.value), tick: moment.tick });
  };
  for (const control of [seed, first, second]) control.addEventListener('change', choose);
  slider.addEventListener('input', () => step(Number(slider.value) - moment.tick));
  part('back').addEventListener('click', () => step(-1));
  part('forward').addEventListener('click', () => step(1));
  play.addEventListener('click', () => (playing ? pause() : start()));

  function follow(): boolean {
    const wanted = readLink(page.location.hash);
    if (!wanted || !seeds.includes(wanted.seed)) return false;
    pause();
    // A link to another seed or strategy keeps the one beside it.
    go({ ...wanted, beside: wanted.beside ?? moment.beside });
    viewer?.scrollIntoView({ block: 'start' });
    // So that the keys work at once.
    viewer?.focus({ preventScroll: true });
    return true;
  }
  page.addEventListener('hashchange', () => void follow());
  viewer.hidden = false;
  if (!follow()) {
    go({ strategy: strategies[0]?.name ?? '', beside: strategies[1]?.name, seed: seeds[0] as number, tick: 0 });
    // Only what its reader chose belongs into the address.
    page.clearTimeout(remembering);
  }
}
