/** Red, green, blue, 0 … 255. */
export type Colour = readonly [number, number, number];

/** A pixel's position in whole pixels: x to the right, y down. */
export type Pixel = readonly [number, number];

/**
 * A square RGB picture on which shapes are drawn pixel for pixel as pygame 2.1 draws them: policies that look at pictures
 * were trained on exactly these edges. Positions are whole pixels; what lies outside of the picture is not drawn.
 */
export class Canvas {
  readonly size: number;
  /** Rows of pixels, [size, size, 3]. */
  readonly data: Uint8Array;

  constructor(size: number, background: Colour) {
    this.size = size;
    this.data = new Uint8Array(size * size * 3);
    for (let y = 0; y < size; y++) this.#span(0, size - 1, y, background);
  }

  /** A filled convex polygon, its border included. */
  fillConvex(corners: readonly Pixel[], colour: Colour): void {
    const rows = corners.map(([, y]) => y);
    const [top, bottom] = [Math.min(...rows), Math.max(...rows)];
    for (let y = top; y <= bottom; y++) {
      let [left, right] = [Infinity, -Infinity];
      corners.forEach((corner, i) => {
        const next = corners[(i + 1) % corners.length] ?? corner;
        const [upper, lower] = corner[1] < next[1] ? [corner, next] : [next, corner];
        // An edge owns its upper end only, so that a corner counts once; the last row has no edge below that would own it.
        if (upper[1] === lower[1] || y < upper[1] || (y >= lower[1] && y !== bottom) || y > lower[1]) return;
        // Integer division, which cuts towards the upper end and makes left and right borders differ by up to a pixel.
        const x = upper[0] + Math.trunc(((y - upper[1]) * (lower[0] - upper[0])) / (lower[1] - upper[1]));
        [left, right] = [Math.min(left, x), Math.max(right, x)];
      });
      this.#span(left, right, y, colour);
    }
  }

  /**
   * A filled disc of 2·radius pixels across: its centre is the corner between four pixels, at the upper left of (x, y).
   * What the midpoint circle algorithm (Bresenham 1977) leaves inside is, counting columns and rows from that corner,
   * column² + row² − max(column, row) < radius².
   */
  fillDisc([x, y]: Pixel, radius: number, colour: Colour): void {
    for (let row = 1; row <= radius; row++) {
      let column = 0;
      while ((column + 1) ** 2 + row ** 2 - Math.max(column + 1, row) < radius ** 2) column++;
      if (column === 0) continue;
      this.#span(x - column, x + column - 1, y + row - 1, colour);
      this.#span(x - column, x + column - 1, y - row, colour);
    }
  }

  /**
   * A line by Bresenham's algorithm, thickened across its main direction: `width` pixels in a row where it is steep (or
   * at 45°), in a column where it is flat. An even width has its extra pixel at the right or below. pygame clips a line that
   * leaves the picture before it steps along it, which may shift a step by a pixel; here steps do not depend on the border.
   */
  thickLine([x0, y0]: Pixel, [x1, y1]: Pixel, width: number, colour: Colour): void {
    const [dx, dy] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    const [stepX, stepY] = [Math.sign(x1 - x0), Math.sign(y1 - y0)];
    const before = (width - 1) >> 1;
    let [x, y, error] = [x0, y0, Math.trunc((dx > dy ? dx : -dy) / 2)];
    for (let left = Math.max(dx, dy); left >= 0; left--) {
      if (dx <= dy) this.#span(x - before, x - before + width - 1, y, colour);
      else for (let i = 0; i < width; i++) this.#span(x, x, y - before + i, colour);
      const atStep = error;
      if (atStep > -dx) [error, x] = [error - dy, x + stepX];
      if (atStep < dy) [error, y] = [error + dx, y + stepY];
    }
  }

  /** A line of one pixel with soft edges (Wu 1991): each step is shared by two pixels. In f32 like the original. */
  smoothLine(start: Pixel, end: Pixel, colour: Colour): void {
    const steep = Math.abs(end[0] - start[0]) < Math.abs(end[1] - start[1]);
    const [along, across] = steep ? ([1, 0] as const) : ([0, 1] as const);
    const [from, to] = start[along] <= end[along] ? [start, end] : [end, start];
    const length = to[along] - from[along];
    const slope = Math.fround((to[across] - from[across]) / length);
    const mix = (i: number, j: number, share: number): void => {
      if (steep) this.#mix(j, i, share, colour);
      else this.#mix(i, j, share, colour);
    };
    mix(from[along], from[across], 1);
    if (length > 0) mix(to[along], to[across], 1);
    // One row further than it is, as the original keeps it: the f32 sums are rounded there.
    let position = from[across] + 1;
    for (let i = from[along] + 1; i < to[along]; i++) {
      position = Math.fround(position + slope);
      const row = Math.floor(position);
      const share = Math.fround(Math.fround(1 - position) + row);
      mix(i, row - 1, share);
      if (share < 1) mix(i, row, Math.fround(1 - share));
    }
  }

  #span(left: number, right: number, y: number, [red, green, blue]: Colour): void {
    if (y < 0 || y >= this.size) return;
    const last = Math.min(right, this.size - 1);
    for (let x = Math.max(left, 0), i = (y * this.size + x) * 3; x <= last; x++) {
      this.data[i++] = red;
      this.data[i++] = green;
      this.data[i++] = blue;
    }
  }

  #mix(x: number, y: number, share: number, colour: Colour): void {
    if (x < 0 || x >= this.size) return;
    const behind = (y * this.size + x) * 3;
    const mixed = (part: number, channel: number): number =>
      Math.trunc(Math.fround(Math.fround(share * part) + Math.fround(Math.fround(1 - share) * (this.data[behind + channel] ?? 0))));
    this.#span(x, x, y, [mixed(colour[0], 0), mixed(colour[1], 1), mixed(colour[2], 2)]);
  }
}
