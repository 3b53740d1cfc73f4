/** Names of the elements of an XML text in the order they open. @throws Error where it is not well-formed. */
export function xmlElements(text: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<>]*")*)(\/?)>/gy;
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('<', at);
    const content = text.slice(at, next < 0 ? text.length : next);
    if (/>|&(?!amp;|lt;|gt;|quot;|#39;)/.test(content)) throw new Error(`unescaped text: ${content}`);
    if (next < 0) break;
    tag.lastIndex = next;
    const found = tag.exec(text);
    if (!found) throw new Error(`no tag at: ${text.slice(next, next + 60)}`);
    const [whole, closing, name = '', , empty] = found;
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      names.push(name);
      if (!empty) open.push(name);
    }
    at = next + whole.length;
  }
  if (open.length > 0) throw new Error(`never closed: ${open.join(', ')}`);
  return names;
}
