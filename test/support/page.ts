import type { DevTools } from './dev-tools.js';

export interface PageOptions {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  readonly isScriptDisabled?: boolean;
}

/** `key` of keyboard events, and what the protocol wants besides. */
const KEY_CODES: Readonly<Record<string, number>> = { ArrowLeft: 37, ArrowRight: 39, Home: 36, End: 35, ' ': 32 };
const SHIFT = 8;

/** A page of a browser, as its user and its developer see it. */
export class Page {
  readonly #tools: DevTools;
  readonly #session: string;
  readonly #problems: string[] = [];
  readonly #requests: string[] = [];
  #loaded: (() => void) | undefined;

  private constructor(tools: DevTools, session: string) {
    this.#tools = tools;
    this.#session = session;
  }

  static async open(tools: DevTools, url: string, { width, height, dark = false, isScriptDisabled = false }: PageOptions): Promise<Page> {
    const { targetId } = await tools.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await tools.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(tools, sessionId as string);
    tools.listen(sessionId as string, (method, params) => page.#notice(method, params));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.#send(`${domain}.enable`);
    await page.#send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await page.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    await page.#send('Emulation.setScriptExecutionDisabled', { value: isScriptDisabled });
    await page.goto(url);
    return page;
  }

  /** What went wrong so far: exceptions, console errors, refused resources. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** What was asked for so far. */
  get requests(): readonly string[] {
    return this.#requests;
  }

  async goto(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    const { errorText } = await this.#send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
    await this.#tools.whileOpen(loaded);
  }

  /** Value of a JavaScript expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { readonly value: T }).value;
  }

  async press(key: string, { shift = false }: { readonly shift?: boolean } = {}): Promise<void> {
    const event = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: KEY_CODES[key], modifiers: shift ? SHIFT : 0 };
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Clicks into the first element that `selector` finds, at a share of its width. */
  async click(selector: string, at = 0.5): Promise<void> {
    const [x, y] = await this.evaluate<[number, number]>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: 'center', behavior: 'instant' });
      const box = element.getBoundingClientRect();
      return [box.left + box.width * ${at}, box.top + box.height / 2];
    })()`);
    const event = { x, y, button: 'left', clickCount: 1 };
    await this.#send('Input.dispatchMouseEvent', { type: 'mousePressed', buttons: 1, ...event });
    await this.#send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...event });
  }

  /** PNG; of the whole page unless told otherwise. */
  async screenshot({ whole = true }: { readonly whole?: boolean } = {}): Promise<Uint8Array> {
    const { data } = await this.#send('Page.captureScreenshot', {
      captureBeyondViewport: whole,
      ...(whole ? { clip: await this.#wholePage() } : {}),
    });
    return Buffer.from(data as string, 'base64');
  }

  async #wholePage(): Promise<object> {
    const { cssContentSize } = await this.#send('Page.getLayoutMetrics');
    return { ...(cssContentSize as object), scale: 1 };
  }

  #send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#tools.send(method, params, this.#session);
  }

  #notice(method: string, params: Readonly<Record<string, unknown>>): void {
    switch (method) {
      case 'Page.loadEventFired':
        this.#loaded?.();
        break;
      case 'Runtime.exceptionThrown':
        this.#problems.push(JSON.stringify(params['exceptionDetails']));
        break;
      case 'Runtime.consoleAPICalled':
        if (params['type'] === 'error') this.#problems.push(JSON.stringify(params['args']));
        break;
      case 'Log.entryAdded':
        this.#problems.push(JSON.stringify(params['entry']));
        break;
      case 'Network.requestWillBeSent':
        this.#requests.push((params['request'] as { readonly url: string }).url);
        break;
      // The other events say nothing that a test asks.
    }
  }
}
