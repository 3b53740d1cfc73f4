/**
 * Signed distance between a segment and a rectangle, by the point of their Minkowski difference (rectangle − segment)
 * that is nearest to the origin: outside of it that distance is the shapes' distance, inside it is the depth of their
 * overlap. A segment whose ends coincide is a point.
 */
export class Separation {
  /** Unit vector from the segment to the rectangle, along which the distance is measured. */
  normalX = 0;
  normalY = 0;
  /** Pixels; negative where the two overlap. */
  distance = 0;

  /** Signed distance of the origin to the line of the edge that it lies farthest outside of. */
  #edgeDistance = 0;
  #outwardX = 0;
  #outwardY = 0;
  /** Squared distance of the origin to the nearest vertex. */
  #vertexSquared = 0;
  #vertexX = 0;
  #vertexY = 0;
  /** The origin lies in front of an edge, which is then the nearest feature. */
  #inFrontOfEdge = false;

  /** `vertices`: 4 × (x, y), such that (e_y, −e_x) points outward for every edge e; the segment is a – b. */
  measure(vertices: Float64Array, ax: number, ay: number, bx: number, by: number): void {
    this.#edgeDistance = -Infinity;
    this.#vertexSquared = Infinity;
    this.#inFrontOfEdge = false;
    // The difference is the rectangle, shifted by −a or −b, with the segment in between wherever the end changes.
    let previousIsB = facesB(vertices, 6, 0, bx - ax, by - ay);
    for (let i = 0; i < 8; i += 2) {
      const next = (i + 2) % 8;
      const isB = facesB(vertices, i, next, bx - ax, by - ay);
      const x = vertices[i] ?? 0;
      const y = vertices[i + 1] ?? 0;
      const endX = isB ? bx : ax;
      const endY = isB ? by : ay;
      if (isB !== previousIsB) this.#edge(x - (isB ? ax : bx), y - (isB ? ay : by), x - endX, y - endY);
      this.#edge(x - endX, y - endY, (vertices[next] ?? 0) - endX, (vertices[next + 1] ?? 0) - endY);
      previousIsB = isB;
    }
    this.#conclude();
  }

  /** Takes an edge (x0, y0) – (x1, y1) of the difference into account. */
  #edge(x0: number, y0: number, x1: number, y1: number): void {
    if (this.#inFrontOfEdge) return;
    const ex = x1 - x0;
    const ey = y1 - y0;
    const length = Math.sqrt(ex * ex + ey * ey);
    const outwardX = ey / length;
    const outwardY = -ex / length;
    const distance = -(outwardX * x0 + outwardY * y0);
    if (distance > 0) {
      const along = -(x0 * ex + y0 * ey);
      this.#inFrontOfEdge = along >= 0 && along <= length * length;
    }
    if (distance > this.#edgeDistance || this.#inFrontOfEdge) {
      this.#edgeDistance = distance;
      this.#outwardX = outwardX;
      this.#outwardY = outwardY;
    }
    const squared = x0 * x0 + y0 * y0;
    if (squared < this.#vertexSquared) {
      this.#vertexSquared = squared;
      this.#vertexX = x0;
      this.#vertexY = y0;
    }
  }

  #conclude(): void {
    // Exactly on a vertex, rounding can make an edge distance positive, and there is no direction to the vertex.
    const isVertex = this.#edgeDistance > 0 && !this.#inFrontOfEdge && this.#vertexSquared > 0;
    if (isVertex) {
      this.distance = Math.sqrt(this.#vertexSquared);
      this.normalX = this.#vertexX / this.distance;
      this.normalY = this.#vertexY / this.distance;
    } else {
      // The origin looks at the edge from outside, or is inside and leaves through it: the same formula for both.
      this.distance = this.#edgeDistance;
      this.normalX = -this.#outwardX;
      this.normalY = -this.#outwardY;
    }
  }
}

/** Whether b, of the segment a – b, lies farther against the outward normal of the edge i – next than a does. */
function facesB(vertices: Float64Array, i: number, next: number, abX: number, abY: number): boolean {
  const ex = (vertices[next] ?? 0) - (vertices[i] ?? 0);
  const ey = (vertices[next + 1] ?? 0) - (vertices[i + 1] ?? 0);
  return ey * abX - ex * abY < 0;
}
