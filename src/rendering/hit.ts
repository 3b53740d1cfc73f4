/** Where a ray enters a solid: the way along it, and the face's normal in the solid's frame. A scratch that every test writes to. */
export interface Hit {
  t: number;
  x: number;
  y: number;
  z: number;
}

/**
 * A ray in the frame of a solid: from (ox, oy, oz) along the unit vector (dx, dy, dz). Entries at a way of at most `least` do not count. A scratch too.
 */
export interface Ray {
  ox: number;
  oy: number;
  oz: number;
  dx: number;
  dy: number;
  dz: number;
  least: number;
}

/** What divides nothing: a direction along an axis is this much at least. */
const TINY = 1e-9;
/** Squared length across the axis of a round solid below which a ray runs along it. */
const ALONG = 1e-12;

/**
 * Where a ray enters a solid of a scene: `half` at `numbers[at …]` and the kind behind it. A solid is not seen from inside. Returns whether there is
 * such a place; then `hit` has it.
 */
export function enters(numbers: Float64Array, at: number, ray: Ray, hit: Hit): boolean {
  const a = numbers[at] as number;
  const b = numbers[at + 1] as number;
  const c = numbers[at + 2] as number;
  switch (numbers[at + 3]) {
    case 0:
      return entersPlane(a, b, ray, hit);
    case 1:
      return entersSide(a, b, ray, hit) || entersEnds(a, b, ray, hit);
    case 2:
      return entersSide(a, b, ray, hit) || entersDisc(a, b, ray, hit);
    default:
      return entersBox(a, b, c, ray, hit);
  }
}

/** The plane z = 0, from above. */
function entersPlane(halfX: number, halfY: number, ray: Ray, hit: Hit): boolean {
  const { ox, oy, oz, dx, dy, dz, least } = ray;
  if (dz >= 0) return false;
  const t = -oz / dz;
  if (t <= least) return false;
  if ((halfX > 0 && Math.abs(ox + t * dx) > halfX) || (halfY > 0 && Math.abs(oy + t * dy) > halfY)) return false;
  hit.t = t;
  hit.x = 0;
  hit.y = 0;
  hit.z = 1;
  return true;
}

/** The later of the entries into its three slabs, where that is before the first exit. */
function entersBox(halfX: number, halfY: number, halfZ: number, ray: Ray, hit: Hit): boolean {
  const { ox, oy, oz, dx, dy, dz, least } = ray;
  const ax = Math.abs(dx) < TINY ? TINY : dx;
  const ay = Math.abs(dy) < TINY ? TINY : dy;
  const az = Math.abs(dz) < TINY ? TINY : dz;
  const sx = ax < 0 ? -1 : 1;
  const sy = ay < 0 ? -1 : 1;
  const sz = az < 0 ? -1 : 1;
  const nearX = (-sx * halfX - ox) / ax;
  const nearY = (-sy * halfY - oy) / ay;
  const nearZ = (-sz * halfZ - oz) / az;
  const t = Math.max(nearX, nearY, nearZ);
  if (t <= least || t > Math.min((sx * halfX - ox) / ax, (sy * halfY - oy) / ay, (sz * halfZ - oz) / az)) return false;
  hit.t = t;
  hit.x = t === nearX ? -sx : 0;
  hit.y = hit.x === 0 && t === nearY ? -sy : 0;
  hit.z = hit.x === 0 && hit.y === 0 ? -sz : 0;
  return true;
}

/** The round side of a cylinder around z. */
function entersSide(radius: number, halfLength: number, ray: Ray, hit: Hit): boolean {
  const { ox, oy, oz, dx, dy, dz, least } = ray;
  const across = dx * dx + dy * dy;
  if (across < ALONG) return false;
  const b = ox * dx + oy * dy;
  const q = b * b - across * (ox * ox + oy * oy - radius * radius);
  if (q < 0) return false;
  const t = (-b - Math.sqrt(q)) / across;
  if (t <= least || Math.abs(oz + t * dz) > halfLength) return false;
  hit.t = t;
  hit.x = (ox + t * dx) / radius;
  hit.y = (oy + t * dy) / radius;
  hit.z = 0;
  return true;
}

/** The end of a cylinder that the ray meets first. */
function entersDisc(radius: number, halfLength: number, ray: Ray, hit: Hit): boolean {
  const { ox, oy, oz, dx, dy, dz, least } = ray;
  if (Math.abs(dz) < TINY) return false;
  const side = dz < 0 ? 1 : -1;
  const t = (side * halfLength - oz) / dz;
  const x = ox + t * dx;
  const y = oy + t * dy;
  if (t <= least || x * x + y * y > radius * radius) return false;
  hit.t = t;
  hit.x = 0;
  hit.y = 0;
  hit.z = side;
  return true;
}

/** The nearer of the balls at the ends of a capsule, as far as they stick out. */
function entersEnds(radius: number, halfLength: number, ray: Ray, hit: Hit): boolean {
  const { ox, oy, oz, dx, dy, dz, least } = ray;
  let isHit = false;
  for (let end = -1; end <= 1; end += 2) {
    const z = oz - end * halfLength;
    const b = ox * dx + oy * dy + z * dz;
    const q = b * b - (ox * ox + oy * oy + z * z - radius * radius);
    if (q < 0) continue;
    const t = -b - Math.sqrt(q);
    if (t <= least || end * (z + t * dz) < 0 || (isHit && t >= hit.t)) continue;
    isHit = true;
    hit.t = t;
    hit.x = (ox + t * dx) / radius;
    hit.y = (oy + t * dy) / radius;
    hit.z = (z + t * dz) / radius;
  }
  return isHit;
}
