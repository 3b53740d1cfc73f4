/** The element with a `data-part` of this name; the page has one of each. */
export function part<T extends Element = HTMLElement>(name: string): T {
  const found = document.querySelector<T>(`[data-part="${name}"]`);
  if (!found) throw new Error(`the page has no part "${name}"`);
  return found;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A new SVG element. */
export function svg(name: string, attributes: Readonly<Record<string, string | number>> = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** Text of a picture. */
export function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end' = 'start'): SVGElement {
  const element = svg('text', { x, y, class: 'tick', 'text-anchor': anchor });
  element.textContent = content;
  return element;
}

/** Facts as a list of terms. */
export function showFacts(list: HTMLElement, facts: readonly (readonly [string, string])[]): void {
  list.replaceChildren(
    ...facts.map(([term, value]) => {
      const group = document.createElement('div');
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = term;
      // Names break behind their dots and underscores, not within words.
      dd.append(...value.split(/(?<=[._])/).flatMap((piece) => [piece, document.createElement('wbr')]));
      group.append(dt, dd);
      return group;
    }),
  );
}
