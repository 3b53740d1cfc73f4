import { describe, expect, it } from 'vitest';
import { BlockBody } from '../../../src/envs/push-t/bodies.js';
import { BoxTree, Branch, Leaf, type TreeNode } from '../../../src/envs/push-t/box-tree.js';
import { ContactPair } from '../../../src/envs/push-t/contact-pair.js';

describe('bounding-box tree', () => {
  /** The tree as text: an inner node is (first second). */
  const text = (node: TreeNode<string> | undefined): string =>
    node instanceof Branch ? `(${text(node.first)} ${text(node.second)})` : (node?.item ?? '');
  const leaf = (item: string, minX: number, minY: number, maxX: number, maxY: number): Leaf<string> => {
    const made = new Leaf(item);
    made.box.set(minX, minY, maxX, maxY);
    return made;
  };
  const build = (...leaves: readonly Leaf<string>[]): BoxTree<string> => {
    const tree = new BoxTree<string>();
    for (const each of leaves) tree.insert(each);
    return tree;
  };

  it('puts a new leaf before the one that it joins, where it adds least area', () => {
    const [a, b] = [leaf('a', 0, 0, 10, 10), leaf('b', 100, 0, 110, 10)];
    expect(text(build(a, b).root)).toBe('(b a)');
    expect(text(build(a, b, leaf('c', 12, 0, 14, 2)).root)).toBe('(b (c a))');
    expect(text(build(a, b, leaf('c', 96, 0, 98, 2)).root)).toBe('((c b) a)');
  });

  it('decides equal areas by the distance of the centres, and equal distances for the first', () => {
    // Inside both boxes a leaf adds nothing to either.
    const [a, b] = [leaf('a', 0, 0, 10, 10), leaf('b', 5, 0, 15, 10)];
    expect(text(build(a, b, leaf('c', 6, 4, 7, 5)).root)).toBe('(b (c a))');
    expect(text(build(a, b, leaf('c', 8, 4, 9, 5)).root)).toBe('((c b) a)');
    expect(text(build(a, b, leaf('c', 7, 4, 8, 5)).root)).toBe('((c b) a)');
  });

  it("puts the sibling in the place of a removed leaf's parent, and fits the boxes again", () => {
    const [a, b, c] = [leaf('a', 0, 0, 10, 10), leaf('b', 100, 0, 110, 10), leaf('c', 12, -5, 14, 2)];
    const tree = build(a, b, c);
    tree.remove(c);
    expect(text(tree.root)).toBe('(b a)');
    expect(tree.root?.box).toMatchObject({ minX: 0, minY: 0, maxX: 110, maxY: 10 });
    tree.remove(b);
    expect(text(tree.root)).toBe('a');
    tree.remove(a);
    expect(tree.root).toBeUndefined();
  });
});

describe('impulses of a contact', () => {
  /** A shape that pushes at 7 px/s. Its `touch` returns the speed that the block gets from what is known from before. */
  const pushing = (): ((substep: number, key?: number) => number) => {
    const block = new BlockBody();
    const pair = new ContactPair({ vx: 0, vy: 7 });
    return (substep, key = 0) => {
      pair.manifold.clear(0, 1);
      pair.manifold.add(key, block.x, block.y - 10, block.x, block.y - 10);
      pair.update(block, substep);
      pair.prepare(0);
      block.stop();
      pair.applyKnownImpulses(block);
      const known = block.vy;
      pair.iterate(block);
      return known;
    };
  };

  it('are applied at once in the next substep, to a contact with the same key', () => {
    const touch = pushing();
    expect(touch(1)).toBe(0);
    expect(touch(2)).toBe(7);
    expect(touch(3, 1)).toBe(0);
  });

  it('are kept for three substeps, but then not applied at once', () => {
    for (const [gap, kept] of [
      [2, true],
      [3, true],
      [4, false],
    ] as const) {
      const touch = pushing();
      touch(1);
      expect(touch(1 + gap)).toBe(0);
      // What was kept is what the contact starts from: the impulse adds up to twice as much, and shows one substep later.
      expect(touch(2 + gap)).toBe(kept ? 14 : 7);
    }
  });

  it('push and never pull', () => {
    const block = new BlockBody();
    const pair = new ContactPair({ vx: 0, vy: -5 });
    pair.manifold.clear(0, 1);
    pair.manifold.add(0, block.x, block.y - 10, block.x, block.y - 10);
    pair.update(block, 1);
    pair.prepare(0);
    pair.iterate(block);
    expect(block.vy).toBe(0);
  });
});
