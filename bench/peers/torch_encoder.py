#!/usr/bin/env python3
"""LeRobot's image encoder in PyTorch on the weights and picture of `npm run bench:peers -- --network ENCODER --folder DIR`.

    python3 bench/peers/torch_encoder.py DIR [--device cuda] [--modes LIST] [--precisions LIST] [--batch N] [--output FILE]

ResNet-18 (group or batch norm), keypoints, linear layer, ReLU. Needs PyTorch alone. Every run has the copies in it that a frame
has: pictures to the device, features back. Variants take turns there and back; the exit code is 1 when an f32 variant
disagrees with `work.json`.
"""
import argparse
import json
import os
import platform
import sys
import time
from datetime import datetime, timezone

import torch
import torch.nn.functional as F

from torch_unet import PRECISIONS, TOLERANCE, compiled, list_of, relative_error, statistics

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


class Variant:
    """One way to encode a batch of pictures: buffers on the host and the device, and what replays the network."""

    def __init__(self, weights, mode, precision, picture, device):
        self.cuda = device.type == "cuda"
        self.tf32 = precision == "tf32"
        encoder = Encoder(weights, PRECISIONS[precision], device, mode.endswith("-last"))
        pin = (lambda tensor: tensor.pin_memory()) if self.cuda else (lambda tensor: tensor)
        self.host = pin(picture)
        self.input = picture.to(device)
        self.features = pin(torch.empty(picture.shape[0], encoder.w["out.bias"].shape[0]))
        self.set_tf32()

        def run(x):
            return encoder(x)

        self.network = compiled(run) if mode.startswith("compile") else run
        if "graph" in mode:
            self.capture()

    def set_tf32(self):
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32

    def capture(self):
        if not self.cuda:
            raise RuntimeError("CUDA graphs need --device cuda")
        network = self.network
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        # Libraries choose their algorithms, and torch.compile compiles, before the capture.
        with torch.cuda.stream(stream):
            for _ in range(3):
                network(self.input)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = network(self.input)

        def replay(_input):
            graph.replay()
            return result

        self.network = replay

    def run(self):
        """Milliseconds by the wall clock with all copies, and of the GPU by events without them (None on a CPU)."""
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if self.cuda else []
        started = time.perf_counter()
        self.input.copy_(self.host, non_blocking=True)
        if events:
            events[0].record()
        result = self.network(self.input)
        if events:
            events[1].record()
        self.features.copy_(result, non_blocking=True)
        if self.cuda:
            torch.cuda.synchronize()
        wall = (time.perf_counter() - started) * 1000
        return wall, events[0].elapsed_time(events[1]) if events else None


def read_weights(folder, network):
    with open(os.path.join(folder, f"{network}.json"), encoding="utf-8") as file:
        layout = json.load(file)
    flat = torch.from_file(os.path.join(folder, layout["weights_file"]), size=layout["bytes"] // 4, dtype=torch.float32)
    weights = {}
    for tensor in layout["tensors"]:
        begin = tensor["offset"] // 4
        weights[tensor["name"].removeprefix(PREFIX)] = flat[begin : begin + tensor["bytes"] // 4].reshape(tensor["shape"])
    return weights, layout["inputs"]["image"]


def open_variants(arguments, weights, picture, device):
    """Variants by name, and the reasons of those that cannot be had."""
    variants, missing = {}, {}
    for precision in arguments.precisions:
        for mode in arguments.modes:
            name = f"{mode} {precision}"
            print(f"{name}: first runs", file=sys.stderr)
            try:
                variant = Variant(weights, mode, precision, picture, device)
                for _ in range(3):
                    variant.run()
                variants[name] = variant
            except Exception as error:  # A mode that this machine lacks must not end the others.
                missing[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    return variants, missing


def measure(variants, rounds, runs):
    samples = {name: {"wallMs": [], "gpuMs": []} for name in variants}
    for _ in range(rounds):
        for name in [*variants, *reversed(variants)]:
            variants[name].set_tf32()
            for _ in range(runs):
                wall, gpu = variants[name].run()
                samples[name]["wallMs"].append(wall)
                if gpu is not None:
                    samples[name]["gpuMs"].append(gpu)
    return samples


def summarize(variants, samples, expected):
    peers = []
    for name, variant in variants.items():
        taken = samples[name]
        error = relative_error(variant.features, expected.expand_as(variant.features))
        agrees = error <= TOLERANCE if name.endswith(" f32") else error < float("inf")
        times = {**statistics(taken["wallMs"]), "gpu": statistics(taken["gpuMs"]) if taken["gpuMs"] else None, "error": error, **taken}
        peers.append({"name": f"torch {name}", "available": True, "workloads": {WORKLOAD: times}, "agrees": agrees})
    return peers


def report(record):
    print(f"{record['network']}, {record['batch']} at a time, torch {record['torch']}, {record['adapter']}, reference {record['reference']}")
    print(f"\n{'':32} {'runs':>5} {'p50':>10} {'p95':>10} {'p99':>10} {'GPU p50':>10} {'error':>9}")
    for peer in record["peers"]:
        if not peer["available"]:
            print(f"{peer['name']}: not available: {peer['reason']}")
            continue
        result = peer["workloads"][WORKLOAD]
        gpu = f"{result['gpu']['p50']:.3f}" if result["gpu"] else "-"
        times = " ".join(f"{result[key]:10.3f}" for key in ("p50", "p95", "p99"))
        mark = "" if peer["agrees"] else " WRONG"
        print(f"{peer['name']:32} {result['count']:5} {times} {gpu:>10} {result['error']:9.1e}{mark}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder that bench:peers wrote with --network ENCODER --folder")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--modes", type=list_of(MODES), default=list(MODES))
    parser.add_argument("--precisions", type=list_of(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--batch", type=int, default=1, help="pictures at a time, all of them the same")
    parser.add_argument("--rounds", type=int, default=5, help="every variant has two turns in a round")
    parser.add_argument("--runs", type=int, default=20, help="runs in a turn")
    parser.add_argument("--threads", type=int, help="of PyTorch on a CPU")
    parser.add_argument("--output", help="write the record as JSON")
    return parser.parse_args()


@torch.inference_mode()
def main():
    arguments = parse_arguments()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    # Convolutions are tried out once, as anybody in a hurry would set it.
    torch.backends.cudnn.benchmark = True
    device = torch.device(arguments.device)
    with open(os.path.join(arguments.folder, "work.json"), encoding="utf-8") as file:
        work = json.load(file)
    weights, shape = read_weights(arguments.folder, work["network"])
    picture = torch.tensor(work["picture"], dtype=torch.float32).reshape(shape).repeat(arguments.batch, 1, 1, 1)
    expected = torch.tensor(work["expected"]["outputs"][WORKLOAD], dtype=torch.float32)[None]
    load_before = os.getloadavg()
    variants, missing = open_variants(arguments, weights, picture, device)
    peers = summarize(variants, measure(variants, arguments.rounds, arguments.runs), expected)
    peers += [{"name": f"torch {name}", "available": False, "reason": reason} for name, reason in missing.items()]
    record = {
        "format": "warmstep-bench-torch",
        "date": datetime.now(timezone.utc).isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "adapter": torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads",
        "cuda": torch.version.cuda,
        "loadAverage": load_before,
        "network": work["network"],
        "batch": arguments.batch,
        "rounds": arguments.rounds,
        "tolerance": TOLERANCE,
        "reference": work["expected"]["engine"],
        "peers": peers,
    }
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            json.dump(record, file)
    report(record)
    return 0 if all(peer.get("agrees", True) for peer in peers) else 1


if __name__ == "__main__":
    sys.exit(main())
