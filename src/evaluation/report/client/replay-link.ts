/** Browser code: a moment of a replay as the end of the page's address, `#replay=step:2,100003,120`, or with `,ddim:10` beside it. */
export const REPLAY_LINK = `
function readLink(hash) {
  if (!hash.startsWith('#replay=')) return undefined;
  try {
    const [first, seed, tick, second] = hash.slice('#replay='.length).split(',').map(decodeURIComponent);
    return { first, seed: Number(seed), tick: Math.max(0, Math.floor(Number(tick ?? 0))) || 0, second };
  } catch {
    // A link that was cut in the middle of an escape.
    return undefined;
  }
}

function writeLink({ first, seed, tick, second }) {
  const encode = (name) => encodeURIComponent(name).replace(/%(?:3A|2F|3D|2B)/g, decodeURIComponent);
  return '#replay=' + [encode(first), seed, tick, ...(second ? [encode(second)] : [])].join(',');
}
`;
