import type { Box } from './box.js';
import { BoxTree, Branch, Leaf, type TreeNode } from './box-tree.js';

/** What the broad phase asks of a shape: its exact box, and its velocity in pixels per second. */
export interface BoxedShape {
  readonly box: Box;
  readonly velocity: { readonly vx: number; readonly vy: number };
}

/** Share of its size, and of its velocity, by which a moving shape's box is enlarged; a C float in Chipmunk. */
const ENLARGEMENT = Math.fround(0.1);

/**
 * Finds the pairs of shapes that may touch, in the order in which Chipmunk reports them (cpBBTree.c): one tree for what
 * never moves, one for what moves. A leaf that still lies in its enlarged box reports the pairs it was remembered with;
 * one that left it is inserted anew, and looks for its pairs again.
 */
export class BroadPhase<Shape extends BoxedShape> {
  readonly #static = new BoxTree<Shape>();
  readonly #moving = new BoxTree<Shape>();
  readonly #leaves: Leaf<Shape>[] = [];
  readonly #report: (a: Shape, b: Shape) => void;
  #checkOrder: readonly Leaf<Shape>[] = [];
  #stamp = 0;
  #reporting = false;

  /**
   * Both lists in the order of insertion. `checkOrder`: positions in `moving`, the order in which moving leaves are
   * looked at (in Chipmunk, that of a hash set). `report` gets every candidate pair; exact boxes need not overlap.
   */
  constructor(still: readonly Shape[], moving: readonly Shape[], checkOrder: readonly number[], report: (a: Shape, b: Shape) => void) {
    this.#report = report;
    for (const shape of still) {
      const leaf = new Leaf(shape);
      leaf.box.setMerged(shape.box, shape.box);
      this.#insert(this.#static, leaf);
    }
    for (const shape of moving) {
      const leaf = new Leaf(shape);
      this.#leaves.push(leaf);
      enlarge(leaf);
      this.#insert(this.#moving, leaf);
    }
    this.#checkOrder = checkOrder.flatMap((position) => this.#leaves[position] ?? []);
  }

  /** Follows the shapes to their present boxes and reports the candidate pairs. */
  update(): void {
    for (const leaf of this.#checkOrder) {
      if (!leaf.box.contains(leaf.item.box)) this.#reinsert(leaf);
    }
    this.#reporting = true;
    this.#walk(this.#moving.root);
    this.#reporting = false;
    this.#stamp++;
  }

  #insert(tree: BoxTree<Shape>, leaf: Leaf<Shape>): void {
    tree.insert(leaf);
    leaf.stamp = this.#stamp;
    if (tree === this.#moving) this.#search(leaf);
    this.#stamp++;
  }

  #reinsert(leaf: Leaf<Shape>): void {
    enlarge(leaf);
    this.#moving.remove(leaf);
    this.#moving.insert(leaf);
    leaf.stamp = this.#stamp;
    leaf.remembered = [];
    for (const other of this.#leaves) other.remembered = other.remembered.filter((partner) => partner !== leaf);
  }

  #walk(node: TreeNode<Shape> | undefined): void {
    if (node instanceof Branch) {
      this.#walk(node.first);
      this.#walk(node.second);
    } else if (node) {
      if (node.stamp === this.#stamp) this.#search(node);
      else this.#recall(node);
    }
  }

  #recall(leaf: Leaf<Shape>): void {
    const { remembered } = leaf;
    for (let i = remembered.length - 1; i >= 0; i--) {
      const partner = remembered[i];
      if (partner) this.#report(partner.item, leaf.item);
    }
  }

  /** Pairs of a leaf that is new where it is: with what never moves, then with the sibling of each of its ancestors. */
  #search(leaf: Leaf<Shape>): void {
    if (this.#static.root) this.#query(this.#static.root, leaf, false);
    let node: TreeNode<Shape> = leaf;
    for (let parent = leaf.parent; parent; parent = parent.parent) {
      this.#query(parent.sibling(node), leaf, node === parent.first);
      node = parent;
    }
  }

  /**
   * `later`: the subtree is walked after the leaf, so a leaf in it reports the pair itself, either now from what it
   * remembers or, being new as well, in a search of its own.
   */
  #query(subtree: TreeNode<Shape>, leaf: Leaf<Shape>, later: boolean): void {
    if (!leaf.box.overlaps(subtree.box)) return;
    if (subtree instanceof Branch) {
      this.#query(subtree.first, leaf, later);
      this.#query(subtree.second, leaf, later);
    } else if (later) {
      subtree.remembered.push(leaf);
    } else {
      if (subtree.stamp < leaf.stamp) leaf.remembered.push(subtree);
      if (this.#reporting) this.#report(leaf.item, subtree.item);
    }
  }
}

/** Room for a leaf to move without being inserted again: a tenth of its size, or a tenth of a second where that is more. */
function enlarge(leaf: Leaf<BoxedShape>): void {
  const { box, velocity } = leaf.item;
  const width = (box.maxX - box.minX) * ENLARGEMENT;
  const height = (box.maxY - box.minY) * ENLARGEMENT;
  const [x, y] = [velocity.vx * ENLARGEMENT, velocity.vy * ENLARGEMENT];
  leaf.box.set(
    box.minX + Math.min(-width, x),
    box.minY + Math.min(-height, y),
    box.maxX + Math.max(width, x),
    box.maxY + Math.max(height, y),
  );
}
