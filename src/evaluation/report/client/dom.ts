/**
 * What the script of the page uses of a browser. Interfaces of its own, because TypeScript's library of the DOM would tell
 * every file of the core that there is a `document`.
 */

export interface PageEvent {
  readonly target: PageElement;
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly clientX: number;
  readonly buttons: number;
  readonly pointerId: number;
  preventDefault(): void;
}

export interface PageNode {
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
}

/** An element of any kind: what it is not has no such member. */
export interface PageElement extends PageNode {
  readonly tagName: string;
  readonly dataset: Readonly<Record<string, string | undefined>>;
  readonly style: { display: string; setProperty(name: string, value: string): void };
  readonly classList: { add(name: string): void; remove(name: string): void; toggle(name: string, force: boolean): void };
  readonly tBodies: ArrayLike<PageElement>;
  readonly rows: Iterable<PageElement>;
  readonly cells: ArrayLike<PageElement>;
  textContent: string;
  hidden: boolean;
  value: string;
  max: string;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  append(...children: readonly PageElement[]): void;
  replaceChildren(...children: readonly PageElement[]): void;
  getBoundingClientRect(): { readonly left: number; readonly width: number };
  setPointerCapture(pointer: number): void;
  scrollIntoView(options: { readonly block: 'start' }): void;
  focus(options: { readonly preventScroll: boolean }): void;
}

export interface PageDocument extends PageNode {
  getElementById(id: string): PageElement | null;
  createElementNS(namespace: string, name: string): PageElement;
}

/** `globalThis` in a page. */
export interface PageWindow {
  readonly document: PageDocument;
  readonly location: { readonly hash: string };
  readonly history: { replaceState(data: null, unused: string, address: string): void };
  readonly performance: { now(): number };
  readonly Option: new (text: string, value: string) => PageElement;
  addEventListener(type: string, listener: () => void): void;
  setTimeout(action: () => void, milliseconds: number): number;
  clearTimeout(timer: number | undefined): void;
  requestAnimationFrame(action: (now: number) => void): number;
  cancelAnimationFrame(request: number): void;
}
