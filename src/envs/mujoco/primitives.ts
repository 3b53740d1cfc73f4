/** Solids that models, pictures and replays are made of: one table for physics and for looks. Metres and radians. */

export type Colour = readonly [red: number, green: number, blue: number];

interface Placed {
  /** Of its body. */
  readonly at: readonly [number, number, number];
  /** Turned about the body's y axis. Default 0. */
  readonly pitch?: number;
  readonly colour: Colour;
  /** As models call it. */
  readonly name?: string;
  /** What it touches and how: a class of the model. */
  readonly material: string;
}

/** Half sizes along its axes. */
export interface Box extends Placed {
  readonly kind: 'box';
  readonly half: readonly [number, number, number];
}

/** Around its z axis. */
export interface Cylinder extends Placed {
  readonly kind: 'cylinder';
  readonly radius: number;
  readonly halfHeight: number;
}

/** All points at most `radius` from the line between two points of the body; `at` is not turned and is [0, 0, 0] as a rule. */
export interface Capsule extends Placed {
  readonly kind: 'capsule';
  readonly radius: number;
  readonly from: readonly [number, number, number];
  readonly to: readonly [number, number, number];
}

export type Primitive = Box | Cylinder | Capsule;

/** `<geom …/>` of a primitive. */
export function geomXml(primitive: Primitive): string {
  const { kind, name, material, colour, at, pitch = 0 } = primitive;
  const attributes = [
    ...(name === undefined ? [] : [`name="${name}"`]),
    `type="${kind}"`,
    ...sizeXml(primitive),
    ...(kind === 'capsule' ? [] : [`pos="${at.join(' ')}"`]),
    ...(pitch === 0 ? [] : [`euler="0 ${pitch} 0"`]),
    `rgba="${colour.join(' ')} 1"`,
    `class="${material}"`,
  ];
  return `<geom ${attributes.join(' ')}/>`;
}

function sizeXml(primitive: Primitive): string[] {
  switch (primitive.kind) {
    case 'box':
      return [`size="${primitive.half.join(' ')}"`];
    case 'cylinder':
      return [`size="${primitive.radius} ${primitive.halfHeight}"`];
    case 'capsule':
      return [`size="${primitive.radius}"`, `fromto="${[...primitive.from, ...primitive.to].join(' ')}"`];
  }
}
