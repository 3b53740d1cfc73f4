#!/usr/bin/env python3
"""Records `train-image-batch-norm`: a policy whose image encoder has batch norms, trained in float64 by PyTorch.

    python3 test/support/reference/batch_norm_case.py test/goldens/train-image test/goldens/train-image-batch-norm

Inputs are those of the first folder; weights and running statistics come from its formula with other numbers. In training mode a batch norm
normalises by the batch and moves its running statistics by 0.1, as LeRobot's trainer has it. Needs PyTorch and NumPy alone.
"""
import json
import math
import os
import shutil
import sys

import numpy as np
import torch

from case_files import formula_values, read_tensors, write_tensors
from image_policy import ImagePolicy

SEED = 11
SAMPLES = 64
RUNS = {
    "diffusion-policy": {"optimizer": "adamw", "weight_decay": 1e-6, "schedule": [1e-4, 9e-5, 7e-5], "clip_norm": None, "mask_padding": False},
    "masked-clip-adam": {"optimizer": "adam", "weight_decay": 0.1, "schedule": [1e-4, 9e-5, 7e-5], "clip_norm": 10.0, "mask_padding": True},
}
EMA = [0.0, 0.4053964424986395, 0.5613086623491692]
RECORD_AT = [1, 3]
PREFIX = "diffusion."


def recipe(name, shape):
    """Offset and scale of a tensor's formula."""
    if name.endswith("running_mean"):
        return 0.0, 0.2
    if name.endswith("running_var"):
        return 1.0, 0.5
    if len(shape) == 1:
        return (0.0, 0.1) if name.endswith("bias") else (1.0, 0.2)
    fan = int(np.prod(shape[1:]))
    return 0.0, math.sqrt(6 / fan) if ".backbone." in name else 1 / math.sqrt(fan)


def start_tensors(network, seed):
    stored = {**dict(network.named_parameters()), **{n: b for n, b in network.named_buffers() if "running" in n}}
    formula, values = [], {}
    for number, (name, tensor) in enumerate(stored.items()):
        offset, scale = recipe(name, tensor.shape)
        made = formula_values(tensor.numel(), number, offset, scale, seed)
        formula.append({"tensor": PREFIX + name, "number": number, "offset": offset, "scale": scale, "sum": float(made.astype(np.float64).sum())})
        values[name] = made.reshape(tensor.shape)
    return formula, values


class Case:
    def __init__(self, source, group_norm=False):
        self.given = read_tensors(os.path.join(source, "case.safetensors"))
        self.source = json.load(open(os.path.join(source, "case.json")))
        self.config = {**json.load(open(os.path.join(source, "policy/config.json"))), "use_group_norm": group_norm}
        steps = self.config["num_train_timesteps"]
        bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = torch.tensor([min(1 - bar((i + 1) / steps) / bar(i / steps), 0.999) for i in range(steps)], dtype=torch.float32)
        self.alphas = torch.cumprod(1 - betas, 0)
        self.names = [name for name, _ in ImagePolicy(self.config).named_parameters()]

    def network(self, dtype, start):
        network = ImagePolicy(self.config).to(dtype).train()
        with torch.no_grad():
            for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
                if name in start:
                    tensor.copy_(torch.tensor(start[name]))
        return network

    def loss(self, network, step, dtype, masked):
        of = lambda name: torch.tensor(self.given[f"input.{name}"][step])
        action, noise, state = (of(name).to(dtype) for name in ("action", "noise", "observation.state"))
        bar = self.alphas[of("timesteps")].to(dtype).view(-1, 1, 1)
        crop = self.source["crop"][step]
        noisy = bar.sqrt() * action + (1 - bar).sqrt() * noise
        out = network(noisy, of("timesteps"), state, of("observation.image"), (crop["top"], crop["left"]))
        squares = (out - noise) ** 2
        if not masked:
            return squares.mean()
        valid = 1 - of("action_is_pad").to(dtype).unsqueeze(-1)
        return (squares * valid).sum() / max(1, float(valid.sum()) * action.shape[-1])

    def run(self, name, dtype, start):
        run = RUNS[name]
        network = self.network(dtype, start)
        parameters = list(network.parameters())
        kind = torch.optim.AdamW if run["optimizer"] == "adamw" else torch.optim.Adam
        optimizer = kind(parameters, lr=1.0, betas=(0.95, 0.999), eps=1e-8, weight_decay=run["weight_decay"])
        values = lambda tensors: {n: t.detach().double().numpy().copy() for n, t in tensors}
        found = {"loss": [], "norm": [], "factor": [], "weights": [], "ema": [], "statistics": []}
        ema = values(network.named_parameters())
        for step, rate in enumerate(run["schedule"]):
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = self.loss(network, step, dtype, run["mask_padding"])
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                found["gradients"] = {n: p.grad.double().numpy().copy() for n, p in network.named_parameters()}
            norm = math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in parameters))
            factor = 1.0 if run["clip_norm"] is None else min(1.0, run["clip_norm"] / (norm + 1e-6))
            for p in parameters:
                p.grad.mul_(factor)
            optimizer.step()
            found["loss"].append(loss.item())
            found["norm"].append(norm)
            found["factor"].append(factor)
            weights = values(network.named_parameters())
            ema = {n: EMA[step] * ema[n] + (1 - EMA[step]) * weights[n] for n in weights}
            found["weights"].append(weights)
            found["ema"].append(ema)
            found["statistics"].append(values((n, b) for n, b in network.named_buffers() if "running" in n))
        return found

    def evaluated(self, start):
        """The loss of step 0 by the running statistics, as the policy acts."""
        with torch.no_grad():
            return self.loss(self.network(torch.float64, start).eval(), 0, torch.float64, False).item()


def distances(found, exact, start):
    """How far a run of float32 is from that of float64."""
    relative = lambda a, b: max(abs(x - y) / abs(y) for x, y in zip(a, b))
    norm = lambda tensors: math.sqrt(sum(float((t**2).sum()) for t in tensors))
    far = lambda a, b, zero: norm(a[n] - b[n] for n in b) / norm(b[n] - zero(n) for n in b)
    worst = max((np.abs(found["gradients"][n] - g).max() / np.abs(g).max(), n) for n, g in exact["gradients"].items() if "nets.bias" not in n)
    return {
        "loss_max_rel": relative(found["loss"], exact["loss"]),
        "norm_rel": [abs(a - b) / b for a, b in zip(found["norm"], exact["norm"])],
        "grad_worst_tensor": worst[0],
        "grad_worst_name": PREFIX + worst[1],
        "grad_l2_rel": far(found["gradients"], exact["gradients"], lambda n: 0),
        **{f"delta_{s}_l2_rel": far(found["weights"][s - 1], exact["weights"][s - 1], lambda n: start[n].astype(np.float64)) for s in RECORD_AT},
    }


def main():
    source, target = sys.argv[1:3]
    torch.set_num_threads(1)
    case = Case(source)
    formula, start = start_tensors(ImagePolicy(case.config), SEED)
    shapes = {name: list(start[name].shape) for name in case.names}
    tensors = {name: values for name, values in case.given.items() if name.startswith("input.")}
    picks = np.full((len(shapes), SAMPLES), -1, np.int32)
    random = np.random.default_rng(SEED)
    for row, shape in enumerate(shapes.values()):
        count = int(np.prod(shape))
        chosen = np.sort(random.choice(count, min(SAMPLES, count), replace=False))
        picks[row, : len(chosen)] = chosen
    tensors["sample_index"] = picks

    def sampled(name, values):
        flat = [values[n].reshape(-1) for n in shapes]
        rows = [np.where(row < 0, 0.0, f[np.maximum(row, 0)]) for f, row in zip(flat, picks)]
        tensors[f"{name}.samples"] = np.array(rows, np.float32)
        tensors[f"{name}.l2"] = np.array([math.sqrt(float((f**2).sum())) for f in flat], np.float32)

    runs = {}
    for name, run in RUNS.items():
        exact = case.run(name, torch.float64, start)
        sampled(f"expected.{name}.grad", exact["gradients"])
        for step in RECORD_AT:
            for label, key in (("delta", "weights"), ("ema_delta", "ema")):
                sampled(f"expected.{name}.{label}.{step}", {n: exact[key][step - 1][n] - start[n] for n in shapes})
            for tensor, values in exact["statistics"][step - 1].items():
                tensors[f"expected.{name}.statistics.{step}.{PREFIX}{tensor}"] = values.astype(np.float32)
        runs[name] = {
            "optimizer": run["optimizer"],
            "lr": max(run["schedule"]),
            "weight_decay": run["weight_decay"],
            "betas": [0.95, 0.999],
            "eps": 1e-8,
            "clip_norm": run["clip_norm"],
            "mask_padding": run["mask_padding"],
            "ema": "lerobot",
            "record_at": RECORD_AT,
            "loss": exact["loss"],
            "grad_norm": exact["norm"],
            "lr_used": run["schedule"],
            "clip_factor": exact["factor"] if run["clip_norm"] else None,
            "ema_decay": EMA,
            "float32_pytorch": distances(case.run(name, torch.float32, start), exact, start),
        }
        print(name, json.dumps(runs[name]["float32_pytorch"], indent=1), flush=True)
    os.makedirs(target, exist_ok=True)
    shutil.copytree(os.path.join(source, "policy"), os.path.join(target, "policy"), dirs_exist_ok=True)
    with open(os.path.join(target, "policy/config.json"), "w") as file:
        json.dump(case.config, file, indent=2)
    described = {
        "name": "train-image-batch-norm",
        "kind": case.source["kind"],
        "batch": case.source["batch"],
        "steps": case.source["steps"],
        "parameters": [{"name": PREFIX + name, "shape": shape} for name, shape in shapes.items()],
        "statistics": [{"name": t["tensor"], "shape": list(start[t["tensor"][len(PREFIX):]].shape)} for t in formula if "running" in t["tensor"]],
        "samples_per_tensor": SAMPLES,
        "runs": runs,
        "evaluated_loss": case.evaluated(start),
        "full_run": "diffusion-policy",
        "crop": case.source["crop"],
        "zero_gradient": case.source["zero_gradient"],
        "weights_formula": {"seed": SEED, "keypoint_map": [math.ceil(side / 32) for side in case.config["crop_shape"]], "tensors": formula},
        "note": "ResNet-18 with BatchNorm in training mode, by test/support/reference/batch_norm_case.py; inputs of train-image",
    }
    with open(os.path.join(target, "case.json"), "w") as file:
        json.dump(described, file, indent=1)
    write_tensors(os.path.join(target, "case.safetensors"), tensors)


if __name__ == "__main__":
    main()
