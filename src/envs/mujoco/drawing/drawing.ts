/**
 * A scene of solids as plain data: bodies that hang on each other and are moved by the numbers of a snapshot, and cameras that look at
 * them. A page is given it as JSON.
 */

/** A body with its mesh, in its own frame. */
export interface DrawnBody {
  /** Position of the body that it hangs on in the list, before its own; −1 for the world. */
  readonly parent: number;
  /** Of its origin in the parent's frame, m. */
  readonly at: readonly number[];
  /** What moves it: a turn about an axis or a shift along it, by a number of the snapshot; or a pose, of 7 numbers from there on. */
  readonly turn?: { readonly axis: readonly number[]; readonly value: number };
  readonly shift?: { readonly axis: readonly number[]; readonly value: number };
  readonly pose?: number;
  /** [vertices][3], flattened, m. */
  readonly vertices: readonly number[];
  /** Of each face: the position of its colour in the palette, then its corners, counter-clockwise as seen from outside. */
  readonly faces: readonly (readonly number[])[];
  /** Bodies of a lower layer are behind all others, whatever their distance: what lies flat on the table. Default 1. */
  readonly layer?: number;
}

/** A view, and its place on the board. */
export interface DrawnView {
  /** Metres. */
  readonly eye: readonly number[];
  /** Right, up and backwards of the camera in the world, rows. [9] */
  readonly axes: readonly number[];
  /** Pixels per tangent. */
  readonly focal: number;
  /** Upper left corner and size on the board. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly bodies: readonly DrawnBody[];
  readonly views: readonly DrawnView[];
  /** Red, green, blue, 0 … 255. */
  readonly palette: readonly (readonly number[])[];
  /** Numbers of a snapshot and of a target. */
  readonly stride: number;
  readonly targetStride: number;
  /** Corners of the table, m. */
  readonly table: readonly (readonly [number, number])[];
  /** Towards the light, of length 1. */
  readonly light: readonly number[];
  /** Elements for faces in each view. */
  readonly slots: number;
  /** The point whose way is drawn. */
  readonly tracked: { readonly body: number; readonly at: readonly number[] };
  /**
   * How a target puts the bodies where it wants them: number `to` of a snapshot is `offset + gain · target[from]`. The tracked point is
   * marked there.
   */
  readonly aim: readonly { readonly from: number; readonly to: number; readonly gain: number; readonly offset: number }[];
}
