#!/usr/bin/env python3
"""Losses and gradients of every batch of `train-image` at the weights that the case begins with, in float64 and float32.

    python3 test/support/reference/given_weights.py test/goldens/train-image

Prints, by batch: loss and norm of the gradient in float64, how far float32 is from them, the worst tensor, and the activations behind a ReLU whose
sign float32 takes for the other one. What test/training/given-weights.long.test.ts compares with.
"""
import json
import sys

import numpy as np
import torch

from batch_norm_case import PREFIX, Case
from case_files import formula_values


def evaluate(case, step, dtype, start):
    network = case.network(dtype, start)
    signs = []
    keep = lambda module, inputs, output: signs.append((output > 0).numpy())
    backbone = network.rgb_encoder.backbone
    backbone[2].register_forward_hook(keep)
    for stage in backbone[4:]:
        for block in stage:
            block.bn1.register_forward_hook(keep)
            block.register_forward_hook(keep)
    loss = case.loss(network, step, dtype, False)
    loss.backward()
    return loss.item(), {n: p.grad.double().numpy() for n, p in network.named_parameters()}, signs


def main():
    torch.set_num_threads(1)
    case = Case(sys.argv[1], group_norm=True)
    formula = case.source["weights_formula"]
    shapes = {p["name"]: p["shape"] for p in case.source["parameters"]}
    start = {}
    for tensor in formula["tensors"]:
        shape = shapes[tensor["tensor"]]
        values = formula_values(int(np.prod(shape)), tensor["number"], tensor["offset"], tensor["scale"], formula["seed"])
        start[tensor["tensor"][len(PREFIX):]] = values.reshape(shape)
    norm = lambda tensors: float(np.sqrt(sum((t**2).sum() for t in tensors)))
    for step in range(case.source["steps"]):
        loss, gradients, signs = evaluate(case, step, torch.float64, start)
        loss32, gradients32, signs32 = evaluate(case, step, torch.float32, start)
        exact = norm(gradients.values())
        worst = max((np.abs(gradients32[n] - g).max() / np.abs(g).max(), n) for n, g in gradients.items() if "nets.bias" not in n)
        print(
            json.dumps(
                {
                    "batch": step,
                    "loss": loss,
                    "norm": exact,
                    "float32": {
                        "loss": abs(loss32 - loss) / loss,
                        "norm": abs(norm(gradients32.values()) - exact) / exact,
                        "l2": norm(gradients32[n] - g for n, g in gradients.items()) / exact,
                        "worst": worst,
                        "other_signs": int(sum((a != b).sum() for a, b in zip(signs, signs32))),
                    },
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
