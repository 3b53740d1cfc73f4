#!/usr/bin/env python3
"""LeRobot's conditional U-Net in PyTorch on the weights and inputs of `npm run bench:peers -- --folder DIR`.

    python3 bench/peers/torch_unet.py DIR [--device cuda] [--modes LIST] [--precisions LIST] [--rounds N] [--output FILE]

Needs PyTorch alone. Every run has the copies in it that a robot's decision has: observation and noise to the device,
actions back. Variants take turns there and back; the exit code is 1 when an f32 variant disagrees with `work.json`.
"""
import functools
import math
import sys

import torch
import torch.nn.functional as F

from torch_variants import PRECISIONS, Variant, contest, parser_of, read_json, read_weights

WORKLOADS = ("one evaluation", "two steps")
MODES = ("eager", "compile", "graph", "compiled-graph")
FINAL_GROUPS = 8
GROUPS = 8
PREFIX = "diffusion.unet."


class Unet:
    """The network as functions of its tensors: lighter to call than nn.Module, in PyTorch's favour."""

    def __init__(self, weights, dtype, device):
        self.w = {name: tensor.to(device, dtype) for name, tensor in weights.items()}
        self.dtype = dtype
        self.levels = len({name.split(".")[1] for name in weights if name.startswith("down_modules.")})
        half = self.w["diffusion_step_encoder.1.weight"].shape[1] // 2
        exponents = torch.arange(half, dtype=torch.float32) * (-math.log(10000) / (half - 1))
        self.frequencies = torch.exp(exponents).to(device)

    def linear(self, name, x):
        return F.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def conv(self, name, x, stride=1):
        weight = self.w[f"{name}.weight"]
        return F.conv1d(x, weight, self.w[f"{name}.bias"], stride=stride, padding=weight.shape[2] // 2)

    def conv_block(self, name, x, groups):
        x = self.conv(f"{name}.block.0", x)
        return F.mish(F.group_norm(x, groups, self.w[f"{name}.block.1.weight"], self.w[f"{name}.block.1.bias"]))

    def residual_block(self, name, x, features):
        film = self.linear(f"{name}.cond_encoder.1", features).unsqueeze(-1)
        h = self.conv_block(f"{name}.conv1", x, GROUPS)
        if film.shape[1] == 2 * h.shape[1]:
            scale, shift = film.chunk(2, dim=1)
            h = scale * h + shift
        else:
            h = h + film
        h = self.conv_block(f"{name}.conv2", h, GROUPS)
        return h + (self.conv(f"{name}.residual_conv", x) if f"{name}.residual_conv.weight" in self.w else x)

    def __call__(self, sample, timestep, conditioning):
        """sample [b, horizon, action], timestep [b] f32, conditioning [b, n]: f32 in and out."""
        angles = timestep[:, None] * self.frequencies
        embedding = torch.cat((angles.sin(), angles.cos()), dim=1).to(self.dtype)
        embedding = F.mish(self.linear("diffusion_step_encoder.1", embedding))
        embedding = self.linear("diffusion_step_encoder.3", embedding)
        # Every residual block applies Mish to the same features.
        features = F.mish(torch.cat((embedding, conditioning.to(self.dtype)), dim=1))
        x = sample.to(self.dtype).transpose(1, 2)
        skips = []
        for level in range(self.levels):
            x = self.residual_block(f"down_modules.{level}.0", x, features)
            x = self.residual_block(f"down_modules.{level}.1", x, features)
            skips.append(x)
            if level + 1 < self.levels:
                x = self.conv(f"down_modules.{level}.2", x, stride=2)
        x = self.residual_block("mid_modules.0", x, features)
        x = self.residual_block("mid_modules.1", x, features)
        for level in range(self.levels - 1):
            name = f"up_modules.{level}"
            x = self.residual_block(f"{name}.0", torch.cat((x, skips.pop()), dim=1), features)
            x = self.residual_block(f"{name}.1", x, features)
            x = F.conv_transpose1d(x, self.w[f"{name}.2.weight"], self.w[f"{name}.2.bias"], stride=2, padding=1)
        x = self.conv_block("final_conv.0", x, FINAL_GROUPS)
        return self.conv("final_conv.1", x).transpose(1, 2).float()


def denoise(unet, steps, timesteps, sample, conditioning):
    """The loop over the denoising steps; coefficients are those of warmstep's SolverStep, without clamp and noise."""
    for step, timestep in zip(steps, timesteps):
        output = unet(sample, timestep, conditioning)
        x0 = step["x0FromSample"] * sample + step["x0FromOutput"] * output
        eps = step["epsFromSample"] * sample + step["epsFromOutput"] * output
        sample = step["fromX0"] * x0 + step["fromEps"] * eps + step["fromSample"] * sample
    return sample


@torch.inference_mode()
def main():
    arguments = parser_of(__doc__, "folder that bench:peers wrote with --folder", MODES).parse_args()
    work = read_json(arguments.folder, "work.json")
    weights = read_weights(arguments.folder, read_json(arguments.folder, f"unet-{work['network']}.json"), PREFIX)
    device = torch.device(arguments.device)
    conditioning = torch.tensor(work["conditioning"], dtype=torch.float32)[None]
    sample = torch.tensor(work["sample"], dtype=torch.float32).reshape(1, -1, weights["final_conv.1.weight"].shape[0])

    @functools.cache
    def network(precision):
        return Unet(weights, PRECISIONS[precision], device)

    def open_variant(workload, mode, precision):
        unet = network(precision)
        steps = work["schedules"][workload]["steps"]
        timesteps = [torch.tensor([step["timestep"]], dtype=torch.float32, device=device) for step in steps]

        def loop(x, c):
            return denoise(unet, steps, timesteps, x, c)

        return Variant(loop, mode, precision, [sample, conditioning], sample.shape, device)

    return contest(arguments, work, f"{work['network']} U-Net", WORKLOADS, open_variant)


if __name__ == "__main__":
    sys.exit(main())
