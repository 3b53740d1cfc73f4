import { parseStrategy } from 'warmstep';
import { pushTTask } from 'warmstep/push-t';
import type { PolicyWorker } from 'warmstep/worker';
import { Board, drawStrip } from './board.js';
import { Cameras } from './cameras.js';
import { checkpointAmong, foldersOfDrop, foldersOfInput } from './chosen-files.js';
import { drawChunk } from './chunk-plot.js';
import { checkDevice } from './device-check.js';
import { part, showFacts } from './dom.js';
import { Episode } from './episode.js';
import { drawHistogram } from './histogram.js';
import { readLink, writeLink } from './link.js';
import { openSession, stageText, strategiesFor, type Wanted } from './session.js';

/** The address of the bundled policy, beside this page. */
const BUNDLED = new URL('checkpoint/', document.baseURI).href;
const usual = { seed: 3, strategy: 'step:2', policy: undefined };
const linked = readLink(location.hash, usual);
const latencies: number[] = [];

/** What is loaded, and what is shown of it. A new one ends the one before. */
class Player {
  readonly #policy: PolicyWorker;
  readonly #strategySelect = part<HTMLSelectElement>('strategy');
  readonly #seedInput = part<HTMLInputElement>('seed');
  readonly #speed = part<HTMLSelectElement>('speed');
  readonly #scrub = part<HTMLInputElement>('scrub');
  #episode: Episode | undefined;
  #board: Board | undefined;
  #isPlaying = true;
  #isEnded = false;
  /** Counts episodes, so that a loop of one that was left knows it. */
  #generation = 0;

  constructor(policy: PolicyWorker) {
    this.#policy = policy;
  }

  get seed(): number {
    return Math.min(2 ** 32 - 1, Math.max(0, Math.floor(Number(this.#seedInput.value)) || 0));
  }

  set seed(seed: number) {
    this.#seedInput.value = String(seed);
  }

  get strategy(): string {
    return this.#strategySelect.value;
  }

  async begin(): Promise<void> {
    const generation = ++this.#generation;
    const task = pushTTask(this.#policy.info);
    const episode = await Episode.begin(this.#policy, task, this.seed);
    if (this.#isEnded || generation !== this.#generation) return;
    this.#episode = episode;
    this.#board = new Board(part('board'), episode.scene);
    this.#setPlaying(true);
    void this.#run(episode, generation);
  }

  async #run(episode: Episode, generation: number): Promise<void> {
    let due = performance.now();
    const isOurs = (): boolean => !this.#isEnded && generation === this.#generation;
    try {
      while (isOurs() && !episode.isOver) {
        if (!this.#isPlaying) {
          await pause(50);
          due = performance.now();
          continue;
        }
        if (episode.needsDecision) {
          await episode.decide();
          if (!isOurs()) return;
          this.#showDecision(episode);
        }
        await episode.step();
        if (!isOurs()) return;
        this.#scrub.max = String(episode.ticks);
        this.show(episode.ticks);
        due += 1000 / (episode.scene.tickRate * Number(this.#speed.value));
        const wait = due - performance.now();
        if (wait < -200) due = performance.now();
        await (wait > 0 ? pause(wait) : nextFrame());
      }
      if (isOurs()) this.#setPlaying(false);
    } catch (error) {
      if (isOurs()) fail(error);
    }
  }

  #showDecision(episode: Episode): void {
    const decision = episode.decisions.at(-1);
    if (!decision) return;
    latencies.push(decision.latencyMs);
    part('histogram').replaceChildren(drawHistogram(latencies));
    part('strip').replaceChildren(...drawStrip(episode.scene, episode.states.slice(-5), decision.refinement));
  }

  /** The moment after `tick` ticks. */
  show(tick: number): void {
    const episode = this.#episode;
    if (!episode) return;
    const { states, targets, rewards, scene } = episode;
    const at = Math.max(0, Math.min(tick, episode.ticks));
    const decision = episode.decisionAt(at);
    this.#board?.show({ tick: at, states, targets }, decision?.refinement);
    this.#scrub.value = String(at);
    part('clock').textContent = `${(at / scene.tickRate).toFixed(1)} s`;
    const best = Math.max(0, ...rewards.slice(0, at));
    const ending = episode.isSolved ? ' · solved' : episode.isOver ? ' · time is up' : '';
    part('status').textContent = [
      scene.describeReward(rewards[at - 1] ?? 0),
      `best ${best.toFixed(2)}`,
      ...(decision ? [`${decision.evaluations} ${decision.evaluations === 1 ? 'evaluation' : 'evaluations'}`] : []),
      `tick ${at}${at === episode.ticks ? ending : ` of ${episode.ticks}`}`,
    ].join(' · ');
  }

  toggle(): void {
    if (this.#episode?.isOver) void this.begin();
    else this.#setPlaying(!this.#isPlaying);
  }

  scrubBy(ticks: number): void {
    this.scrubTo(Number(this.#scrub.value) + ticks);
  }

  scrubTo(tick: number): void {
    this.#setPlaying(false);
    this.show(tick);
  }

  async useStrategy(): Promise<void> {
    await this.#policy.useStrategy(parseStrategy(this.strategy).options);
    latencies.length = 0;
    await this.begin();
    showPolicy(this.#policy);
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#policy.dispose().catch(() => {});
  }

  #setPlaying(isPlaying: boolean): void {
    this.#isPlaying = isPlaying;
    part('play').textContent = this.#episode?.isOver ? 'Again' : isPlaying ? 'Pause' : 'Play';
  }
}

/** A policy of another robot: decides on what cameras see, over and over. */
class OpenLoop {
  readonly #policy: PolicyWorker;
  readonly #cameras: Cameras;
  #isEnded = false;

  constructor(policy: PolicyWorker) {
    this.#policy = policy;
    this.#cameras = new Cameras(part('cameras'), policy.info.observations);
  }

  async run(): Promise<void> {
    const { observationSteps, observations, actionDim } = this.#policy.info;
    try {
      while (!this.#isEnded) {
        const frame = this.#cameras.observe(performance.now());
        const window = Object.fromEntries(
          observations.map((one) => {
            const value = frame[one.name];
            return [
              one.name,
              one.kind === 'image' ? Array.from({ length: observationSteps }, () => value) : new Float32Array(observationSteps * one.size),
            ];
          }),
        );
        const decision = await this.#policy.decide(window as Parameters<PolicyWorker['decide']>[0]);
        if (this.#isEnded) return;
        latencies.push(decision.latencyMs);
        part('histogram').replaceChildren(drawHistogram(latencies.slice(-500)));
        part('chunk').replaceChildren(drawChunk(decision.normalizedChunk, actionDim));
        part('open-status').textContent = `${decision.evaluations} evaluations, ${decision.latencyMs.toFixed(1)} ms`;
        await pause(100);
      }
    } catch (error) {
      if (!this.#isEnded) fail(error);
    }
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    this.#cameras.stop();
    await this.#policy.dispose().catch(() => {});
  }
}

let current: Player | OpenLoop | undefined;
let loading: AbortController | undefined;
/** Address of what is shown, for links; undefined: the bundled policy, or files that no link can name. */
let address: string | undefined;

async function load(wanted: Wanted, from: string | undefined): Promise<void> {
  loading?.abort(new DOMException('another policy was chosen', 'AbortError'));
  const abortion = new AbortController();
  loading = abortion;
  part('notice').hidden = true;
  part('loading').hidden = false;
  try {
    const policy = await openSession(wanted, abortion.signal, (fraction, at) => {
      part<HTMLProgressElement>('fraction').value = fraction;
      part('stage').textContent = `Loading, ${stageText(fraction, at)}`;
    });
    await current?.end();
    address = from;
    latencies.length = 0;
    await show(policy, wanted);
  } catch (error) {
    if ((error as Error).name !== 'AbortError') fail(error);
  } finally {
    if (loading === abortion) {
      loading = undefined;
      part('loading').hidden = true;
    }
  }
}

async function show(policy: PolicyWorker, { strategy }: Wanted): Promise<void> {
  part('stage-area').hidden = false;
  const select = part<HTMLSelectElement>('strategy');
  const choices = strategiesFor(policy.info.predictor !== 'none');
  select.replaceChildren(...choices.map(([value, name]) => new Option(name, value, false, value === strategy)));
  if (!choices.some(([value]) => value === strategy)) select.add(new Option(strategy, strategy, true, true));
  showPolicy(policy);
  const isPushT = isForPushT(policy);
  part('push-t').hidden = !isPushT;
  part('controls').hidden = !isPushT;
  part('open-loop').hidden = isPushT;
  if (isPushT) {
    const player = new Player(policy);
    current = player;
    await player.begin();
  } else {
    const loop = new OpenLoop(policy);
    current = loop;
    void loop.run();
  }
}

function isForPushT({ info }: PolicyWorker): boolean {
  try {
    pushTTask(info);
    return true;
  } catch {
    return false;
  }
}

function showPolicy({ info }: PolicyWorker): void {
  const { adapter } = info;
  const name = adapter.description || [adapter.vendor, adapter.architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  part('adapter').textContent =
    `${name}${adapter.isFallback ? ', a software adapter: numbers are right, times say nothing about a GPU' : ''}`;
  showFacts(part('facts'), [
    ['policy', info.name.startsWith(BUNDLED) ? 'the bundled Push-T policy' : info.name],
    ['strategy', info.strategy],
    ['parameters', info.parameters.toLocaleString('en')],
    ['weights on the device', `${info.precision}, ${(info.deviceBytes / 1e6).toFixed(0)} MB`],
    ['dispatches per decision', info.dispatches === undefined ? 'not known yet' : String(info.dispatches)],
    [
      'observations',
      info.observations
        .map((one) => (one.kind === 'image' ? `${one.name} ${one.width}×${one.height}` : `${one.name} ${one.size}`))
        .join(', '),
    ],
    ['chunk', `${info.horizon} actions of ${info.actionDim} values, ${info.actionSteps} executed`],
    ['predictor', info.predictor],
    ['adapter', name],
    ['warnings', info.warnings.length === 0 ? 'none' : info.warnings.join(' ')],
  ]);
}

/** Says whether this device computes, as `warmstep doctor` does; where it does not, nobody can miss it. */
async function showCheck(): Promise<void> {
  const show = (text: string): void => showFacts(part('check'), [['does this device compute what it should?', text]]);
  show('being checked');
  const { isAlarm, text } = await checkDevice();
  show(text);
  if (isAlarm) fail(new Error(text));
}

/** A word about what went wrong, where everybody sees it. */
function fail(error: unknown): void {
  const notice = part('notice');
  notice.textContent = error instanceof Error ? error.message : String(error);
  notice.hidden = false;
}

/** Why WebGPU is not here, in plain words; undefined where it is. */
async function missing(): Promise<string | undefined> {
  if (!isSecureContext) {
    return 'WebGPU is for secure pages alone, and this one came over plain http from another computer.\nOpen it by https, or from localhost (a tunnel: ssh -L 8080:localhost:8080 robot).';
  }
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  if (!gpu)
    return 'This browser has no WebGPU. Chrome and Edge 113, Safari 26 and Firefox 141 or newer have it (on Linux: Chrome with Vulkan).';
  if ((await gpu.requestAdapter()) === null) {
    return 'This browser has WebGPU and found no adapter for it: the graphics driver is missing, too old, or on its list of exclusions (chrome://gpu says which).';
  }
  return undefined;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

function player(): Player | undefined {
  return current instanceof Player ? current : undefined;
}

function listen(): void {
  part('play').addEventListener('click', () => player()?.toggle());
  part('scrub').addEventListener('input', (event) => player()?.scrubTo(Number((event.target as HTMLInputElement).value)));
  part('again').addEventListener('click', () => again());
  part('seed').addEventListener('change', () => void player()?.begin());
  part('strategy').addEventListener('change', () => void player()?.useStrategy().catch(fail));
  part('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    void player()?.begin();
  });
  part('cancel').addEventListener('click', () => loading?.abort(new DOMException('cancelled', 'AbortError')));
  part('share').addEventListener('click', () => void share());
  part('address-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const place = part<HTMLInputElement>('address').value.trim();
    if (place !== '') void load({ policy: place, predictor: undefined, strategy: 'ddim:10', seed: linked.seed }, place);
  });
  part('folder').addEventListener('change', (event) => {
    const { files } = event.target as HTMLInputElement;
    if (files) void loadFolders(Promise.resolve(foldersOfInput(files)));
  });
  const drop = part('drop');
  for (const type of ['dragover', 'dragleave', 'drop']) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', type === 'dragover');
    });
  }
  document.addEventListener('drop', (event) => {
    if (event.dataTransfer) void loadFolders(foldersOfDrop(event.dataTransfer.items));
  });
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLElement && /^(INPUT|SELECT|BUTTON)$/.test(event.target.tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      ' ': () => player()?.toggle(),
      ArrowLeft: () => player()?.scrubBy(-1),
      ArrowRight: () => player()?.scrubBy(1),
      n: again,
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function again(): void {
  const shown = player();
  if (!shown) return;
  shown.seed = (shown.seed + 1) % 2 ** 32;
  void shown.begin();
}

async function share(): Promise<void> {
  const shown = player();
  if (!shown) return;
  const link = new URL(writeLink({ seed: shown.seed, strategy: shown.strategy, policy: address }), location.href).href;
  history.replaceState(null, '', link);
  const button = part('share');
  const isCopied = await navigator.clipboard?.writeText(link).then(
    () => true,
    () => false,
  );
  button.textContent = isCopied ? 'Copied' : 'The link is in the address bar';
}

async function loadFolders(folders: Promise<Map<string, File[]>>): Promise<void> {
  try {
    const { policy, predictor } = await checkpointAmong(await folders);
    await load({ policy, predictor, strategy: predictor ? 'step:2' : 'ddim:10', seed: linked.seed }, undefined);
  } catch (error) {
    fail(error);
  }
}

async function start(): Promise<void> {
  listen();
  part<HTMLInputElement>('seed').value = String(linked.seed);
  const why = await missing();
  if (why !== undefined) {
    part('loading').hidden = true;
    fail(new Error(why));
    return;
  }
  if (linked.policy !== undefined) {
    part<HTMLInputElement>('address').value = linked.policy;
    await load({ policy: linked.policy, predictor: undefined, strategy: linked.strategy, seed: linked.seed }, linked.policy);
  } else {
    await load({ policy: `${BUNDLED}policy/`, predictor: `${BUNDLED}predictor/`, strategy: linked.strategy, seed: linked.seed }, undefined);
  }
  // After the policy, which it would hold up.
  void showCheck();
  if ('serviceWorker' in navigator && location.protocol !== 'file:')
    await navigator.serviceWorker.register('service-worker.js').catch(() => {});
}

void start();
