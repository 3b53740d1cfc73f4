import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Numbers before those of the solids, and of each solid. */
export const SCENE_HEADER = 24;
export const SCENE_SOLID = 20;

export interface CastRaysParameters {
  /** Rays of a pixel along each side, at most 5. */
  readonly samples: number;
  readonly invocations: number;
}

export interface CastRaysSizes {
  /** Of the pictures. */
  readonly height: number;
  readonly width: number;
  /** Numbers from the beginning of a scene to the next, a multiple of 4. */
  readonly sceneNumbers: number;
}

/** The kernel's `shape`. */
export function castRaysShape({ height, width, sceneNumbers }: CastRaysSizes): number[] {
  return [height, width, sceneNumbers / 4];
}

/**
 * Draws scenes of planes, boxes, cylinders and capsules: for every ray through a pixel the nearest solid, its colour by Lambert's law, and whether
 * another solid stands between it and the light
 *
 *     level = colour · (ambient + diffuse · max(0, n · l) · (1, or a share in shadow))
 *
 * `samples` × `samples` rays through each pixel, evenly spread, their mean rounded to the nearest level.
 *
 * Bindings: shape · scenes vec4f [scene][sceneNumbers / 4], each
 * `eye, count of solids · right · tan(fovy/2) · width/height, ambient · up · tan(fovy/2), diffuse · forward, share in shadow · towards the light, 0 ·
 * colour of the room, 0`, then for each solid `half sizes, kind · colour, reach · row of its rotation, coordinate of its position` of x, y and z (kinds: 0 plane,
 * 1 capsule, 2 cylinder, 3 box; reach: of a ball that holds it, −1 for none) · out u32 [scene][height][width], bytes R, G, B, 255. An invocation
 * owns one pixel of the scene `z`, in rows of workgroups (`lineOf`), and brings each solid to all of its rays at once.
 */
export function castRaysKernel({ samples, invocations }: CastRaysParameters): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'scenes', access: 'read', type: 'array<vec4f>' },
    { name: 'out', access: 'read_write', type: 'array<u32>' },
  ];
  const code = wgsl`
${declareShape(['height', 'width', 'scene_fours'])}
${declareBindings(bindings)}

const HEADER: u32 = ${SCENE_HEADER / 4}u;
const SOLID: u32 = ${SCENE_SOLID / 4}u;
const SIDE: u32 = ${samples}u;
const RAYS: u32 = ${samples * samples}u;
const FAR: f32 = 1e30f;
// What divides nothing, what runs along an axis, from where on something is seen, and how far before a face its shadow is looked for.
const TINY: f32 = 1e-9f;
const ALONG: f32 = 1e-12f;
const LEAST: f32 = 1e-6f;
const LIFT: f32 = 1e-4f;

// Where a ray o + t d enters: the normal in the frame of the solid, and t; FAR where it does not, or not after \`least\`.
fn enters_plane(half: vec3f, o: vec3f, d: vec3f, least: f32) -> vec4f {
  let t = -o.z / min(d.z, -TINY);
  let beyond = (half.xy > vec2f()) & (abs(o.xy + t * d.xy) > half.xy);
  return vec4f(0.0f, 0.0f, 1.0f, select(t, FAR, d.z >= 0.0f || t <= least || any(beyond)));
}

fn enters_box(half: vec3f, o: vec3f, d: vec3f, least: f32) -> vec4f {
  let along = select(d, vec3f(TINY), abs(d) < vec3f(TINY));
  let side = select(vec3f(1.0f), vec3f(-1.0f), along < vec3f());
  let near = (-side * half - o) / along;
  let far = (side * half - o) / along;
  let t = max(max(near.x, near.y), near.z);
  var normal = vec3f(0.0f, 0.0f, -side.z);
  if (t == near.x) {
    normal = vec3f(-side.x, 0.0f, 0.0f);
  } else if (t == near.y) {
    normal = vec3f(0.0f, -side.y, 0.0f);
  }
  return vec4f(normal, select(t, FAR, t <= least || t > min(min(far.x, far.y), far.z)));
}

fn enters_side(half: vec3f, o: vec3f, d: vec3f, least: f32) -> vec4f {
  let across = dot(d.xy, d.xy);
  let b = dot(o.xy, d.xy);
  let q = b * b - across * (dot(o.xy, o.xy) - half.x * half.x);
  let t = (-b - sqrt(max(q, 0.0f))) / max(across, ALONG);
  let misses = across < ALONG || q < 0.0f || t <= least || abs(o.z + t * d.z) > half.y;
  return vec4f((o.xy + t * d.xy) / half.x, 0.0f, select(t, FAR, misses));
}

fn enters_disc(half: vec3f, o: vec3f, d: vec3f, least: f32) -> vec4f {
  let side = select(-1.0f, 1.0f, d.z < 0.0f);
  let t = (side * half.y - o.z) / select(d.z, TINY, abs(d.z) < TINY);
  let p = o.xy + t * d.xy;
  let misses = abs(d.z) < TINY || t <= least || dot(p, p) > half.x * half.x;
  return vec4f(0.0f, 0.0f, side, select(t, FAR, misses));
}

fn enters_end(half: vec3f, end: f32, o: vec3f, d: vec3f, least: f32) -> vec4f {
  let start = vec3f(o.xy, o.z - end * half.y);
  let b = dot(start, d);
  let q = b * b - (dot(start, start) - half.x * half.x);
  let t = -b - sqrt(max(q, 0.0f));
  let p = start + t * d;
  return vec4f(p / half.x, select(t, FAR, q < 0.0f || t <= least || end * p.z < 0.0f));
}

fn nearer(a: vec4f, b: vec4f) -> vec4f {
  return select(a, b, b.w < a.w);
}

// The same for a solid of a scene and a ray in the world. The ray is looked at from its point that is nearest to the middle of the solid, which
// keeps differences of squares small.
fn meets(at: u32, o: vec3f, d: vec3f) -> vec4f {
  let looks = scenes[at + 1u];
  let rows = array<vec4f, 3>(scenes[at + 2u], scenes[at + 3u], scenes[at + 4u]);
  var r = o - vec3f(rows[0].w, rows[1].w, rows[2].w);
  let reach = looks.w;
  var way = 0.0f;
  if (reach >= 0.0f) {
    way = -dot(r, d);
    r += way * d;
    if (way < -reach || dot(r, r) > reach * reach) {
      return vec4f(0.0f, 0.0f, 0.0f, FAR);
    }
  }
  let start = r.x * rows[0].xyz + r.y * rows[1].xyz + r.z * rows[2].xyz;
  let along = d.x * rows[0].xyz + d.y * rows[1].xyz + d.z * rows[2].xyz;
  let size = scenes[at];
  let least = LEAST - way;
  var hit = vec4f();
  switch (u32(size.w)) {
    case 0u: {
      hit = enters_plane(size.xyz, start, along, least);
    }
    case 1u: {
      hit = enters_side(size.xyz, start, along, least);
      if (hit.w == FAR) {
        hit = nearer(enters_end(size.xyz, -1.0f, start, along, least), enters_end(size.xyz, 1.0f, start, along, least));
      }
    }
    case 2u: {
      hit = enters_side(size.xyz, start, along, least);
      if (hit.w == FAR) {
        hit = enters_disc(size.xyz, start, along, least);
      }
    }
    default: {
      hit = enters_box(size.xyz, start, along, least);
    }
  }
  return select(vec4f(hit.xyz, hit.w + way), hit, hit.w == FAR);
}

// Whether a ball around a solid is further than \`margin\` from a ray that begins at r from its middle. A plane has no such ball.
fn is_far(reach: f32, r: vec3f, d: vec3f, margin: f32) -> bool {
  let way = -dot(r, d);
  return reach >= 0.0f && (way < -reach - margin || length(r + way * d) > reach + margin);
}

fn place(at: u32) -> vec3f {
  return vec3f(scenes[at + 2u].w, scenes[at + 3u].w, scenes[at + 4u].w);
}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let pixel = ${lineIndex(invocations)};
  if (pixel >= shape.height * shape.width) {
    return;
  }
  let scene = id.z * shape.scene_fours;
  let eye = scenes[scene];
  let right = scenes[scene + 1u];
  let up = scenes[scene + 2u];
  let forward = scenes[scene + 3u];
  let light = scenes[scene + 4u].xyz;
  let first = scene + HEADER;
  let end = first + u32(eye.w) * SOLID;
  let corner = vec2f(f32(pixel % shape.width), f32(pixel / shape.width));
  let sides = vec2f(f32(shape.width), f32(shape.height));
  var d: array<vec3f, RAYS>;
  var t: array<f32, RAYS>;
  var met: array<u32, RAYS>;
  for (var ray = 0u; ray < RAYS; ray++) {
    let at = (corner + (vec2f(f32(ray % SIDE), f32(ray / SIDE)) + 0.5f) / f32(SIDE)) * 2.0f / sides;
    d[ray] = normalize(forward.xyz + (at.x - 1.0f) * right.xyz + (1.0f - at.y) * up.xyz);
    t[ray] = FAR;
    met[ray] = end;
  }
  // A solid that is far from the ray through the middle of the pixel is far from all of them: they are at most \`spread\` off it at a metre.
  let at = (corner + 0.5f) * 2.0f / sides;
  let middle = normalize(forward.xyz + (at.x - 1.0f) * right.xyz + (1.0f - at.y) * up.xyz);
  let spread = 1.01f * (length(right.xyz) / sides.x + length(up.xyz) / sides.y);
  for (var solid = first; solid < end; solid += SOLID) {
    let r = eye.xyz - place(solid);
    if (is_far(scenes[solid + 1u].w, r, middle, spread * length(r) + LIFT)) {
      continue;
    }
    for (var ray = 0u; ray < RAYS; ray++) {
      let hit = meets(solid, eye.xyz, d[ray]).w;
      if (hit < t[ray]) {
        t[ray] = hit;
        met[ray] = solid;
      }
    }
  }
  // Where the light is looked for: from there on, by those rays whose bits are set.
  var lit: array<f32, RAYS>;
  var p: array<vec3f, RAYS>;
  var open = 0u;
  var centre = vec3f();
  for (var ray = 0u; ray < RAYS; ray++) {
    let solid = met[ray];
    if (solid == end) {
      continue;
    }
    let normal = meets(solid, eye.xyz, d[ray]).xyz;
    let n = vec3f(dot(scenes[solid + 2u].xyz, normal), dot(scenes[solid + 3u].xyz, normal), dot(scenes[solid + 4u].xyz, normal));
    lit[ray] = max(dot(n, light), 0.0f);
    p[ray] = eye.xyz + t[ray] * d[ray] + LIFT * n;
    if (lit[ray] > 0.0f) {
      open |= 1u << ray;
      centre += p[ray];
    }
  }
  centre /= f32(max(countOneBits(open), 1u));
  var around = 0.0f;
  for (var ray = 0u; ray < RAYS; ray++) {
    if ((open & (1u << ray)) != 0u) {
      around = max(around, distance(centre, p[ray]));
    }
  }
  for (var solid = first; solid < end && open != 0u; solid += SOLID) {
    // Planes have nothing below them that they could shade.
    let reach = scenes[solid + 1u].w;
    if (reach < 0.0f || is_far(reach, centre - place(solid), light, around + LIFT)) {
      continue;
    }
    for (var ray = 0u; ray < RAYS; ray++) {
      if ((open & (1u << ray)) != 0u && meets(solid, p[ray], light).w < FAR) {
        open ^= 1u << ray;
        lit[ray] *= forward.w;
      }
    }
  }
  var sum = vec3f();
  for (var ray = 0u; ray < RAYS; ray++) {
    if (met[ray] == end) {
      sum += scenes[scene + 5u].xyz;
    } else {
      sum += scenes[met[ray] + 1u].xyz * (right.w + up.w * lit[ray]);
    }
  }
  out[id.z * shape.height * shape.width + pixel] = pack4x8unorm(vec4f(sum / f32(RAYS), 1.0f));
}
`;
  return { label: 'cast_rays', code, bindings };
}
