/** An axis-aligned bounding box in pixels. Mutable: the boxes of a moving shape are rewritten in every substep. */
export class Box {
  minX = 0;
  minY = 0;
  maxX = 0;
  maxY = 0;

  set(minX: number, minY: number, maxX: number, maxY: number): void {
    this.minX = minX;
    this.minY = minY;
    this.maxX = maxX;
    this.maxY = maxY;
  }

  /** Becomes the smallest box around both. */
  setMerged(a: Box, b: Box): void {
    this.set(Math.min(a.minX, b.minX), Math.min(a.minY, b.minY), Math.max(a.maxX, b.maxX), Math.max(a.maxY, b.maxY));
  }

  get area(): number {
    return (this.maxX - this.minX) * (this.maxY - this.minY);
  }

  /** Area of the smallest box around both. */
  mergedArea(other: Box): number {
    return (
      (Math.max(this.maxX, other.maxX) - Math.min(this.minX, other.minX)) *
      (Math.max(this.maxY, other.maxY) - Math.min(this.minY, other.minY))
    );
  }

  /** Twice the distance between the centres, |Δx| + |Δy|. */
  proximity(other: Box): number {
    return Math.abs(this.minX + this.maxX - other.minX - other.maxX) + Math.abs(this.minY + this.maxY - other.minY - other.maxY);
  }

  overlaps(other: Box): boolean {
    return this.minX <= other.maxX && other.minX <= this.maxX && this.minY <= other.maxY && other.minY <= this.maxY;
  }

  contains(other: Box): boolean {
    return this.minX <= other.minX && this.maxX >= other.maxX && this.minY <= other.minY && this.maxY >= other.maxY;
  }
}
