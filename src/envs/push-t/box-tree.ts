import { Box } from './box.js';

export type TreeNode<Item> = Leaf<Item> | Branch<Item>;

/** A shape in a tree. Its box may be larger than the shape's. */
export class Leaf<Item> {
  readonly item: Item;
  readonly box = new Box();
  parent: Branch<Item> | undefined;
  /** Of the last insertion. */
  stamp = 0;
  /** The leaves that this one has to be reported with while it stays where it is; the newest last. */
  remembered: Leaf<Item>[] = [];

  constructor(item: Item) {
    this.item = item;
  }
}

/** An inner node; its box is the smallest one around its children's. */
export class Branch<Item> {
  readonly box = new Box();
  parent: Branch<Item> | undefined;
  first: TreeNode<Item>;
  second: TreeNode<Item>;

  constructor(first: TreeNode<Item>, second: TreeNode<Item>) {
    this.first = first;
    this.second = second;
    first.parent = this;
    second.parent = this;
    this.box.setMerged(first.box, second.box);
  }

  sibling(child: TreeNode<Item>): TreeNode<Item> {
    return child === this.first ? this.second : this.first;
  }

  replace(child: TreeNode<Item>, value: TreeNode<Item>): void {
    if (child === this.first) this.first = value;
    else this.second = value;
    value.parent = this;
  }
}

/**
 * The shape of Chipmunk's bounding-box tree (cpBBTree.c). The tree decides in which order shapes that touch are reported,
 * and the solver's result depends on that order; so it is rebuilt here node by node although seven shapes need no tree.
 */
export class BoxTree<Item> {
  #root: TreeNode<Item> | undefined;

  get root(): TreeNode<Item> | undefined {
    return this.#root;
  }

  insert(leaf: Leaf<Item>): void {
    let node = this.#root;
    while (node instanceof Branch) {
      const below: Branch<Item> = node;
      node = cheaperChild(below, leaf.box);
      below.box.setMerged(below.box, leaf.box);
    }
    const parent = node?.parent;
    const joined = node ? new Branch(leaf, node) : leaf;
    this.#put(parent, node, joined);
  }

  remove(leaf: Leaf<Item>): void {
    const { parent } = leaf;
    if (!parent) {
      this.#root = undefined;
      return;
    }
    this.#put(parent.parent, parent, parent.sibling(leaf));
    for (let node = parent.parent; node; node = node.parent) node.box.setMerged(node.first.box, node.second.box);
  }

  #put(parent: Branch<Item> | undefined, old: TreeNode<Item> | undefined, value: TreeNode<Item>): void {
    if (parent && old) {
      parent.replace(old, value);
    } else {
      this.#root = value;
      value.parent = undefined;
    }
  }
}

/** The child under which a new box adds least area; where areas tie, the nearer one, and then the first. */
function cheaperChild<Item>({ first, second }: Branch<Item>, box: Box): TreeNode<Item> {
  let firstCost = second.box.area + first.box.mergedArea(box);
  let secondCost = first.box.area + second.box.mergedArea(box);
  if (firstCost === secondCost) {
    firstCost = first.box.proximity(box);
    secondCost = second.box.proximity(box);
  }
  return secondCost < firstCost ? second : first;
}
