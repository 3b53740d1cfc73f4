#!/usr/bin/env python3
"""Training steps of the U-Net in PyTorch, by part: forward, backward, clip and Adam.

    python3 bench/training/torch_unet.py [--widths 64,128,256] [--batch 64] [--threads 1] [--rounds 5] [--device cpu]

The network is that of `bench/training/main.js`: LeRobot's conditional U-Net with random weights. Times are the best of all rounds; processor
time is that of the whole process.
"""
import argparse
import math
import time

import torch
from torch import nn
import torch.nn.functional as F


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.block = nn.Sequential(nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(8, outputs), nn.Mish())

    def forward(self, x):
        return self.block(x)


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, condition, kernel):
        super().__init__()
        self.conv1 = ConvBlock(inputs, outputs, kernel)
        self.conv2 = ConvBlock(outputs, outputs, kernel)
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(condition, 2 * outputs))
        self.residual_conv = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, condition):
        scale, shift = self.cond_encoder(condition).unsqueeze(-1).chunk(2, dim=1)
        return self.conv2(scale * self.conv1(x) + shift) + self.residual_conv(x)


class Unet(nn.Module):
    def __init__(self, widths, actions=2, embed=128, conditioning=36, kernel=5):
        super().__init__()
        self.half = embed // 2
        self.embed = nn.Sequential(nn.Linear(embed, 4 * embed), nn.Mish(), nn.Linear(4 * embed, embed))
        condition = embed + conditioning
        sizes = list(zip([actions, *widths[:-1]], widths))
        self.down = nn.ModuleList()
        for index, (a, b) in enumerate(sizes):
            strided = nn.Conv1d(b, b, 3, 2, 1) if index + 1 < len(sizes) else nn.Identity()
            self.down.append(nn.ModuleList([ResidualBlock(a, b, condition, kernel), ResidualBlock(b, b, condition, kernel), strided]))
        self.middle = nn.ModuleList([ResidualBlock(widths[-1], widths[-1], condition, kernel) for _ in range(2)])
        self.up = nn.ModuleList()
        for a, b in reversed(sizes[1:]):
            blocks = [ResidualBlock(2 * b, a, condition, kernel), ResidualBlock(a, a, condition, kernel), nn.ConvTranspose1d(a, a, 4, 2, 1)]
            self.up.append(nn.ModuleList(blocks))
        self.final = nn.Sequential(ConvBlock(widths[0], widths[0], kernel), nn.Conv1d(widths[0], actions, 1))

    def forward(self, sample, timesteps, conditioning):
        exponents = torch.arange(self.half, device=sample.device) * (-math.log(10000) / (self.half - 1))
        angles = timesteps[:, None] * torch.exp(exponents)
        condition = torch.cat((self.embed(torch.cat((angles.sin(), angles.cos()), 1)), conditioning), 1)
        x, skips = sample.transpose(1, 2), []
        for first, second, strided in self.down:
            x = second(first(x, condition), condition)
            skips.append(x)
            x = strided(x)
        for block in self.middle:
            x = block(x, condition)
        for first, second, strided in self.up:
            x = strided(second(first(torch.cat((x, skips.pop()), 1), condition), condition))
        return self.final(x).transpose(1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=lambda text: [int(word) for word in text.split(",")], default=[64, 128, 256])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile, where this PyTorch has it")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    network = Unet(options.widths).to(device)
    forward = torch.compile(network) if options.compile else network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6)
    shape = (options.batch, 16, 2)
    sample, noise = torch.randn(shape, device=device), torch.randn(shape, device=device)
    conditioning = torch.randn(options.batch, 36, device=device)
    timesteps = torch.randint(0, 100, (options.batch,), device=device)

    def synchronize():
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    best = {}
    for turn in range(options.rounds + 2):
        clocks = [synchronize()]
        with torch.autocast(device.type, torch.bfloat16, enabled=options.bf16):
            loss = F.mse_loss(forward(sample, timesteps, conditioning).float(), noise)
        clocks.append(synchronize())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clocks.append(synchronize())
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        clocks.append(synchronize())
        if turn < 2:
            continue
        spans = {"forward": (0, 1), "backward": (1, 2), "optimizer": (2, 3), "step": (0, 3)}
        for name, (a, b) in spans.items():
            taken = [1000 * (clocks[b][i] - clocks[a][i]) for i in range(2)]
            best[name] = [min(pair) for pair in zip(best.get(name, taken), taken)]
    parameters = sum(p.numel() for p in network.parameters())
    print(f"torch {torch.__version__}, {options.threads} threads, {parameters:,} parameters, batch {options.batch}")
    for name, (wall, processor) in best.items():
        print(f"{name:10} {wall:9.1f} ms wall {processor:9.1f} ms processor time")


if __name__ == "__main__":
    main()
