import { visibleJson, visibleLines } from '../foundation/visible.js';

/** Text of HTML and SVG elements: pages, pictures in them, and pictures as files. Attribute values and `text` are escaped; `content` is markup. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Elements that have neither content nor an end tag. */
const VOID = new Set(['br', 'col', 'input', 'link', 'meta']);

/** An attribute that is undefined is left out. */
export function element(name: string, attributes: Attributes = {}, content: string | readonly string[] = ''): string {
  const text = Object.entries(attributes)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escape(value)}"`)
    .join('');
  if (VOID.has(name)) return `<${name}${text}>`;
  return `<${name}${text}>${typeof content === 'string' ? content : content.join('')}</${name}>`;
}

/** A text of an SVG picture. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escape(text));
}

/** A picture that takes the width it is given; `title` is what a screen reader says. */
export function picture(width: number, height: number, title: string, content: readonly string[], attributes: Attributes = {}): string {
  return element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title, ...attributes }, content);
}

/** A picture as an SVG file, on a white background. */
export function svgFile(width: number, height: number, title: string, content: readonly string[], attributes: Attributes = {}): string {
  const parts = [element('title', {}, escape(title)), element('rect', { width, height, fill: '#ffffff' }), ...content];
  const lines = parts.map((part) => `\n${part}`);
  return `${picture(width, height, title, lines, { xmlns: 'http://www.w3.org/2000/svg', width, height, ...attributes })}\n`;
}

export function section(id: string, title: string, introduction: string, content: readonly string[]): string {
  return element('section', { id }, [
    element('h2', {}, escape(title)),
    element('p', { class: 'introduction' }, introduction),
    ...content,
    '\n',
  ]);
}

export function escape(text: string): string {
  return visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** JSON that no text in it can end the script element of. */
export function embeddedJson(value: unknown): string {
  return visibleJson(value).replaceAll('<', '\\u003c');
}

/** A hundredth of a pixel: nobody sees more, and equal records give equal files. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}
