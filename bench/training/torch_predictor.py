#!/usr/bin/env python3
"""Times training steps of the STEP predictor in PyTorch, eager, on a CPU or GPU: the peer of bench/training/predictor.ts.

The network of the recorded case `train-predictor`: 128 wide, 4 heads, 2 pre-norm encoder layers and 2 post-norm blocks with
cross-attention, dropout 0.1, AdamW. Prints the best of some steps: wall time and processor time of all threads.
"""
import argparse
import resource
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, hidden, drop):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, drop, batch_first=True)
        self.cross_attn = nn.MultiheadAttention(width, heads, drop, batch_first=True)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.ffn = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(drop), nn.Linear(hidden, width), nn.Dropout(drop))
        self.drop = nn.Dropout(drop)

    def forward(self, x, memory):
        x = self.norm1(x + self.drop(self.self_attn(x, x, x)[0]))
        x = self.norm2(x + self.drop(self.cross_attn(x, memory, memory)[0]))
        return self.norm3(x + self.ffn(x))


class Predictor(nn.Module):
    def __init__(self, actions=2, observation=18, horizon=16, width=128, heads=4, hidden=256, drop=0.1):
        super().__init__()
        self.action_query = nn.Parameter(torch.randn(1, horizon, width) * 0.02)
        self.prev_action_embed = nn.Linear(actions, width)
        self.obs_embed = nn.Linear(observation, width)
        layer = nn.TransformerEncoderLayer(width, heads, hidden, drop, "gelu", batch_first=True, norm_first=True)
        self.cond_encoder = nn.TransformerEncoder(layer, 2)
        self.blocks = nn.ModuleList(Block(width, heads, hidden, drop) for _ in range(2))
        self.output_norm = nn.LayerNorm(width)
        self.output_proj = nn.Linear(width, actions)

    def forward(self, previous, observation):
        memory = self.cond_encoder(torch.cat((self.prev_action_embed(previous), self.obs_embed(observation)), dim=1))
        x = self.action_query.expand(previous.shape[0], -1, -1)
        for block in self.blocks:
            x = block(x, memory)
        return self.output_proj(self.output_norm(x))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Predictor().to(options.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4)
    shape = lambda *sizes: torch.randn(options.batch, *sizes, device=options.device)
    previous, observation, target = shape(16, 2), shape(2, 18), shape(16, 2)

    def synchronize():
        if options.device != "cpu":
            torch.cuda.synchronize()

    def processor():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    best = [float("inf")] * 2
    for _ in range(options.steps):
        synchronize()
        wall, cpu = time.perf_counter(), processor()
        optimizer.zero_grad(set_to_none=True)
        loss = ((model(previous, observation) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        synchronize()
        best = [min(best[0], time.perf_counter() - wall), min(best[1], processor() - cpu)]
    print(f"batch {options.batch}: {best[0] * 1000:.1f} ms, processor {best[1] * 1000:.1f} ms a step")


if __name__ == "__main__":
    main()
