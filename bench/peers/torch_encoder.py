#!/usr/bin/env python3
"""LeRobot's image encoder in PyTorch on the weights and picture of `npm run bench:peers -- --network ENCODER --folder DIR`.

    python3 bench/peers/torch_encoder.py DIR [--device cuda] [--modes LIST] [--precisions LIST] [--batch N] [--output FILE]

ResNet-18 (group or batch norm), keypoints, linear layer, ReLU. Needs PyTorch alone. Every run has the copies in it that a frame
has: pictures to the device, features back. Variants take turns there and back; the exit code is 1 when an f32 variant
disagrees with `work.json`.
"""
import sys

import torch
import torch.nn.functional as F

from torch_variants import PRECISIONS, Variant, contest, parser_of, read_json, read_weights

# Eager and its graph also with pixels of a channel far apart and channels of a pixel side by side (channels_last).
MODES = ("eager", "eager-last", "compile", "compile-last", "graph", "graph-last", "compiled-graph", "compiled-graph-last")
WORKLOAD = "one picture"
BLOCKS = (2, 2, 2, 2)
GROUP_CHANNELS = 16
PREFIX = "diffusion.rgb_encoder."


class Encoder:
    """The network as functions of its tensors: lighter to call than nn.Module, in PyTorch's favour."""

    def __init__(self, weights, dtype, device, channels_last):
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.dtype = dtype
        self.w = {}
        for name, tensor in weights.items():
            moved = tensor.to(device, dtype)
            self.w[name] = moved.contiguous(memory_format=self.memory_format) if moved.dim() == 4 else moved
        self.is_group_norm = "backbone.1.running_mean" not in weights
        if not self.is_group_norm:
            self.fold(weights, dtype, device)

    def fold(self, weights, dtype, device):
        """Batch norms into the convolutions before them, as anybody in a hurry would have it, and as warmstep has it."""
        for name in [name for name in weights if name.endswith("running_mean")]:
            norm = name.removesuffix(".running_mean")
            conv = conv_of(norm)
            scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + 1e-5)
            folded = (weights[f"{conv}.weight"] * scale[:, None, None, None]).to(device, dtype)
            self.w[f"{conv}.weight"] = folded.contiguous(memory_format=self.memory_format)
            self.w[f"{conv}.bias"] = (weights[f"{norm}.bias"] - weights[name] * scale).to(device, dtype)

    def conv_norm(self, conv, norm, x, stride):
        weight = self.w[f"{conv}.weight"]
        x = F.conv2d(x, weight, self.w.get(f"{conv}.bias"), stride=stride, padding=weight.shape[2] // 2)
        if not self.is_group_norm:
            return x
        return F.group_norm(x, x.shape[1] // GROUP_CHANNELS, self.w[f"{norm}.weight"], self.w[f"{norm}.bias"])

    def block(self, name, x, stride):
        h = F.relu(self.conv_norm(f"{name}.conv1", f"{name}.bn1", x, stride))
        h = self.conv_norm(f"{name}.conv2", f"{name}.bn2", h, 1)
        has_downsample = f"{name}.downsample.0.weight" in self.w
        return F.relu(h + (self.conv_norm(f"{name}.downsample.0", f"{name}.downsample.1", x, stride) if has_downsample else x))

    def __call__(self, picture):
        """picture [b, 3, height, width] f32, normalised; features [b, 2 · keypoints] f32."""
        x = picture.to(self.dtype).contiguous(memory_format=self.memory_format)
        x = F.relu(self.conv_norm("backbone.0", "backbone.1", x, 2))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage, blocks in enumerate(BLOCKS):
            for block in range(blocks):
                x = self.block(f"backbone.{4 + stage}.{block}", x, 2 if stage > 0 and block == 0 else 1)
        maps = F.conv2d(x, self.w["pool.nets.weight"], self.w["pool.nets.bias"])
        shares = F.softmax(maps.flatten(2), dim=-1)
        keypoints = shares @ self.w["pool.pos_grid"]
        return F.relu(F.linear(keypoints.flatten(1), self.w["out.weight"], self.w["out.bias"])).float()


def conv_of(norm):
    """The convolution before a norm: backbone.1 is behind backbone.0, bn1 behind conv1, downsample.1 behind downsample.0."""
    if norm == "backbone.1":
        return "backbone.0"
    head, _, tail = norm.rpartition(".")
    return f"{head}.{'0' if tail == '1' else tail.replace('bn', 'conv')}"


@torch.inference_mode()
def main():
    parser = parser_of(__doc__, "folder that bench:peers wrote with --network ENCODER --folder", MODES)
    parser.add_argument("--batch", type=int, default=1, help="pictures at a time, all of them the same")
    arguments = parser.parse_args()
    work = read_json(arguments.folder, "work.json")
    layout = read_json(arguments.folder, f"{work['network']}.json")
    weights = read_weights(arguments.folder, layout, PREFIX)
    picture = torch.tensor(work["picture"], dtype=torch.float32).reshape(layout["inputs"]["image"]).repeat(arguments.batch, 1, 1, 1)
    device = torch.device(arguments.device)

    def open_variant(_workload, mode, precision):
        encoder = Encoder(weights, PRECISIONS[precision], device, mode.endswith("-last"))

        def run(x):
            return encoder(x)

        features = (arguments.batch, encoder.w["out.bias"].shape[0])
        return Variant(run, mode, precision, [picture], features, device)

    title = f"{work['network']}, {arguments.batch} at a time"
    return contest(arguments, work, title, (WORKLOAD,), open_variant, {"batch": arguments.batch})


if __name__ == "__main__":
    sys.exit(main())
