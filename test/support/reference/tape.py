"""Reverse-mode differentiation of a few functions of NumPy arrays: an independent source of gradients for training cases.

Every function computes its value in the dtype of its operands and leaves behind how a gradient of the value becomes gradients of the operands.
`gradients` walks the recorded functions backwards. What is written here are single functions, no layers: layers are made of them.
"""
import math

import numpy as np
from scipy.special import erf


class Value:
    """An array and where it came from: operands, and a function from its gradient to theirs."""

    def __init__(self, data, operands=(), back=None):
        self.data = np.asarray(data)
        self.operands = operands
        self.back = back

    def __add__(self, other):
        other = value(other, self)
        return Value(self.data + other.data, (self, other), lambda g: (folded(g, self), folded(g, other)))

    def __sub__(self, other):
        return self + value(other, self) * -1.0

    def __mul__(self, other):
        other = value(other, self)
        return Value(self.data * other.data, (self, other), lambda g: (folded(g * other.data, self), folded(g * self.data, other)))

    def __matmul__(self, other):
        swap = lambda a: np.swapaxes(a, -1, -2)
        back = lambda g: (folded(g @ swap(other.data), self), folded(swap(self.data) @ g, other))
        return Value(self.data @ other.data, (self, other), back)

    def __getitem__(self, key):
        def back(g):
            whole = np.zeros_like(self.data)
            np.add.at(whole, key, g)
            return (whole,)

        return Value(self.data[key], (self,), back)

    def reshape(self, *shape):
        return Value(self.data.reshape(shape), (self,), lambda g: (g.reshape(self.data.shape),))

    def transpose(self, *axes):
        return Value(self.data.transpose(axes), (self,), lambda g: (g.transpose(np.argsort(axes)),))

    def sum(self, axis):
        return Value(self.data.sum(axis, keepdims=True), (self,), lambda g: (np.broadcast_to(g, self.data.shape),))

    def mean(self, axis):
        count = np.prod([self.data.shape[a] for a in np.atleast_1d(axis)])
        return self.sum(axis) * (1.0 / float(count))


def value(x, like):
    return x if isinstance(x, Value) else Value(np.asarray(x, like.data.dtype))


def folded(gradient, operand):
    """The gradient of an operand that was broadcast: summed over what it was repeated along."""
    shape = operand.data.shape
    gradient = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(a for a, size in enumerate(shape) if size == 1 and gradient.shape[a] != 1)
    return gradient.sum(repeated, keepdims=True) if repeated else gradient


def concatenate(parts, axis):
    sizes = np.cumsum([p.data.shape[axis] for p in parts])[:-1]
    return Value(np.concatenate([p.data for p in parts], axis), tuple(parts), lambda g: tuple(np.split(g, sizes, axis)))


def relu(x):
    return Value(np.maximum(x.data, 0), (x,), lambda g: (g * (x.data > 0),))


def exp(x):
    y = np.exp(x.data)
    return Value(y, (x,), lambda g: (g * y,))


def clamp(x, low, high):
    inside = (x.data >= low) & (x.data <= high)
    return Value(np.clip(x.data, low, high), (x,), lambda g: (g * inside,))


def inverse_root(x):
    y = 1 / np.sqrt(x.data)
    return Value(y, (x,), lambda g: (g * -0.5 * y / x.data,))


def gelu(x):
    phi = 0.5 * (1 + erf(x.data / math.sqrt(2)))
    density = np.exp(-x.data * x.data / 2) / math.sqrt(2 * math.pi)
    return Value((x.data * phi).astype(x.data.dtype), (x,), lambda g: ((g * (phi + x.data * density)).astype(x.data.dtype),))


def patches(x, size, stride, padding):
    """Windows of maps: [n, c, h, w] → [n, rows, columns, c · size · size]."""
    n, c, h, w = x.data.shape
    rows, columns = ((side + 2 * padding - size) // stride + 1 for side in (h, w))
    padded = np.pad(x.data, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    taps = [(ky, kx) for ky in range(size) for kx in range(size)]
    window = lambda array, ky, kx: array[:, :, ky : ky + stride * rows : stride, kx : kx + stride * columns : stride]
    out = np.stack([window(padded, *tap) for tap in taps], 2)

    def back(g):
        whole = np.zeros_like(padded)
        per_tap = g.reshape(n, rows, columns, c, len(taps)).transpose(0, 3, 4, 1, 2)
        for index, tap in enumerate(taps):
            window(whole, *tap)[...] += per_tap[:, :, index]
        return (whole[:, :, padding : padding + h, padding : padding + w],)

    return Value(out.transpose(0, 3, 4, 1, 2).reshape(n, rows, columns, -1), (x,), back)


def gradients(loss, leaves):
    """∂loss / ∂leaf of every leaf, of a loss that is one number."""
    order, seen = [], set()

    def visit(node):
        if id(node) in seen:
            return
        seen.add(id(node))
        for operand in node.operands:
            visit(operand)
        order.append(node)

    visit(loss)
    found = {id(loss): np.ones_like(loss.data)}
    for node in reversed(order):
        gradient = found.get(id(node))
        if gradient is None or node.back is None:
            continue
        for operand, own in zip(node.operands, node.back(gradient)):
            found[id(operand)] = found[id(operand)] + own if id(operand) in found else own
    return [found.get(id(leaf), np.zeros_like(leaf.data)) for leaf in leaves]
