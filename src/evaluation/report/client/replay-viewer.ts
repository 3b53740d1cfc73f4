/** Browser code: what is shown, and everything that changes it: controls, keys, the page's address, time. */
export const REPLAY_VIEWER = `
/** Control steps per second at speed 1, as in the environment. */
const CONTROL_RATE = 10;

const replayElement = document.getElementById('replay-data');
if (replayElement) startViewer(JSON.parse(replayElement.textContent).strategies, document.getElementById('viewer'));

function startViewer(strategies, viewer) {
  const part = (name) => viewer.querySelector('[data-part="' + name + '"]');
  const [seed, first, second, slider, play, clock, speed] = ['seed', 'first', 'second', 'slider', 'play', 'clock', 'speed'].map(part);
  const boards = [createBoard(part('first-board')), createBoard(part('second-board'))];
  const timeline = createTimeline(part('timeline'), (tick) => seek(tick));
  const seeds = [...new Set(strategies.flatMap(({ episodes }) => episodes.map((episode) => episode.seed)))].sort((a, b) => a - b);
  /** The moment that is shown: names, seed, control step. */
  let moment;
  let entries = [];
  let length = 0;
  let playing;

  const episodeOf = (strategy, wanted) => strategy.episodes.find((episode) => episode.seed === wanted);
  const entryOf = (name, wanted) => {
    const strategy = strategies.find((candidate) => candidate.name === name);
    const episode = strategy && episodeOf(strategy, wanted);
    return episode && { strategy, episode };
  };

  /** Shows the moment, or as much of it as there is. */
  function show(wanted) {
    const available = strategies.filter((strategy) => episodeOf(strategy, wanted.seed));
    if (available.length === 0) return;
    const main = entryOf(wanted.first, wanted.seed) ?? entryOf(available[0].name, wanted.seed);
    const beside = wanted.second === undefined || wanted.second === main.strategy.name ? undefined : entryOf(wanted.second, wanted.seed);
    entries = beside ? [main, beside] : [main];
    length = Math.max(...entries.map(({ episode }) => episode.ticks));
    moment = { first: main.strategy.name, second: beside?.strategy.name, seed: wanted.seed, tick: 0 };
    fill(seed, seeds.map(String), String(moment.seed));
    fill(first, available.map(({ name }) => name), moment.first);
    fill(second, available.map(({ name }) => name).filter((name) => name !== moment.first), moment.second ?? '', 'none');
    slider.max = String(length);
    timeline.show(entries, length);
    seek(wanted.tick);
  }

  function seek(tick) {
    moment.tick = Math.min(length, Math.max(0, tick));
    boards.forEach((board, index) => {
      const entry = entries[index];
      if (entry) board.show(entry.strategy, entry.episode, moment.tick);
      else board.hide();
    });
    timeline.move(moment.tick);
    slider.value = String(moment.tick);
    clock.textContent = 'step ' + moment.tick + ' of ' + length;
    if (!playing) rememberSoon();
  }

  // Browsers limit how often a page may change its address: not at every step of a drag, and not while playing.
  let remembering;
  function rememberSoon() {
    clearTimeout(remembering);
    remembering = setTimeout(() => history.replaceState(null, '', writeLink(moment)), 300);
  }

  function pause() {
    if (!playing) return;
    cancelAnimationFrame(playing.request);
    playing = undefined;
    play.textContent = 'Play';
    rememberSoon();
  }

  function start() {
    if (moment.tick === length) seek(0);
    clearTimeout(remembering);
    playing = { time: performance.now(), tick: moment.tick, request: requestAnimationFrame(advance) };
    play.textContent = 'Pause';
  }

  function advance(now) {
    // Fractions are kept: a screen's frame is shorter than a control step.
    playing.tick += (Math.max(0, now - playing.time) / 1000) * CONTROL_RATE * Number(speed.value);
    playing.time = now;
    if (Math.floor(playing.tick) !== moment.tick) seek(Math.floor(playing.tick));
    if (moment.tick === length) pause();
    else playing.request = requestAnimationFrame(advance);
  }

  function step(ticks) {
    pause();
    seek(moment.tick + ticks);
  }

  function toDecision(direction) {
    const ticks = entries[0].episode.decisionTicks;
    const next = direction > 0 ? ticks.find((tick) => tick > moment.tick) : ticks.findLast((tick) => tick < moment.tick);
    step((next ?? (direction > 0 ? length : 0)) - moment.tick);
  }

  const keys = {
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

  const choose = () => {
    pause();
    show({ first: first.value, second: second.value || undefined, seed: Number(seed.value), tick: moment.tick });
  };
  for (const control of [seed, first, second]) control.addEventListener('change', choose);
  slider.addEventListener('input', () => step(Number(slider.value) - moment.tick));
  part('back').addEventListener('click', () => step(-1));
  part('forward').addEventListener('click', () => step(1));
  play.addEventListener('click', () => (playing ? pause() : start()));

  function follow() {
    const wanted = readLink(location.hash);
    if (!wanted || !seeds.includes(wanted.seed)) return false;
    pause();
    // A link to another seed or strategy keeps the one beside it.
    show({ ...wanted, second: wanted.second ?? moment?.second });
    viewer.scrollIntoView({ block: 'start' });
    // So that the keys work at once.
    viewer.focus({ preventScroll: true });
    return true;
  }
  window.addEventListener('hashchange', follow);
  viewer.hidden = false;
  if (!follow()) {
    show({ first: strategies[0].name, second: strategies[1]?.name, seed: seeds[0], tick: 0 });
    // Only what its reader chose belongs into the address.
    clearTimeout(remembering);
  }
}

function fill(select, names, chosen, empty) {
  const options = names.map((name) => new Option(name, name));
  select.replaceChildren(...(empty === undefined ? [] : [new Option(empty, '')]), ...options);
  select.value = chosen;
}
`;
