#!/usr/bin/env python3
"""LeRobot's conditional U-Net in PyTorch on the weights and inputs of `npm run bench:peers -- --folder DIR`.

    python3 bench/peers/torch_unet.py DIR [--device cuda] [--modes LIST] [--precisions LIST] [--rounds N] [--output FILE]

Needs PyTorch alone. Every run has the copies in it that a robot's decision has: observation and noise to the device,
actions back. Variants take turns there and back; the exit code is 1 when an f32 variant disagrees with `work.json`.
"""
import argparse
import json
import math
import os
import platform
import sys
import time
import types
from datetime import datetime, timezone

import torch
import torch.nn.functional as F

WORKLOADS = ("one evaluation", "two steps")
MODES = ("eager", "compile", "graph", "compiled-graph")
# tf32 is f32 storage with shortened factors in the products, which is what PyTorch users get when they allow it.
PRECISIONS = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
TOLERANCE = 1e-3
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


def compiled(function):
    """torch.compile with a cache of its own: it keeps one for every code object, and looks through all entries at each call."""
    own = types.FunctionType(
        function.__code__.replace(), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    return torch.compile(own, fullgraph=True)


class Variant:
    """One way to run one workload: buffers on the host and the device, and what replays the loop."""

    def __init__(self, unet, mode, precision, steps, work, device):
        self.cuda = device.type == "cuda"
        self.device = device
        self.tf32 = precision == "tf32"
        conditioning = torch.tensor(work["conditioning"], dtype=torch.float32)[None]
        sample = torch.tensor(work["sample"], dtype=torch.float32).reshape(1, -1, unet.w["final_conv.1.weight"].shape[0])
        pin = (lambda tensor: tensor.pin_memory()) if self.cuda else (lambda tensor: tensor)
        self.host = [pin(sample), pin(conditioning)]
        self.actions = pin(torch.empty_like(sample))
        self.inputs = [tensor.to(device) for tensor in self.host]
        timesteps = [torch.tensor([step["timestep"]], dtype=torch.float32, device=device) for step in steps]

        def loop(x, c):
            return denoise(unet, steps, timesteps, x, c)

        self.set_tf32()
        self.loop = compiled(loop) if mode.startswith("compile") else loop
        if mode.endswith("graph"):
            self.capture()

    def set_tf32(self):
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32

    def capture(self):
        if not self.cuda:
            raise RuntimeError("CUDA graphs need --device cuda")
        loop = self.loop
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        # Libraries choose their algorithms, and torch.compile compiles, before the capture.
        with torch.cuda.stream(stream):
            for _ in range(3):
                loop(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = loop(*self.inputs)

        def replay(*_inputs):
            graph.replay()
            return result

        self.loop = replay

    def run(self):
        """Milliseconds by the wall clock with all copies, and of the GPU by events without them (None on a CPU)."""
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if self.cuda else []
        started = time.perf_counter()
        for source, target in zip(self.host, self.inputs):
            target.copy_(source, non_blocking=True)
        if events:
            events[0].record()
        result = self.loop(*self.inputs)
        if events:
            events[1].record()
        self.actions.copy_(result, non_blocking=True)
        if self.cuda:
            torch.cuda.synchronize()
        wall = (time.perf_counter() - started) * 1000
        return wall, events[0].elapsed_time(events[1]) if events else None


def relative_error(found, reference):
    difference = (found - reference).abs().max().item()
    return difference / reference.abs().max().item()


def percentile(values, share):
    """By nearest rank: it was measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def statistics(values):
    return {"count": len(values), **{f"p{p}": percentile(values, p / 100) for p in (50, 95, 99)}}


def read_weights(folder, size):
    with open(os.path.join(folder, f"unet-{size}.json"), encoding="utf-8") as file:
        layout = json.load(file)
    flat = torch.from_file(os.path.join(folder, layout["weights_file"]), size=layout["bytes"] // 4, dtype=torch.float32)
    weights = {}
    for tensor in layout["tensors"]:
        begin = tensor["offset"] // 4
        values = flat[begin : begin + tensor["bytes"] // 4]
        weights[tensor["name"].removeprefix(PREFIX)] = values.reshape(tensor["shape"])
    return weights


def open_variants(arguments, work, weights, device):
    """Variants of each workload by name, and the reasons of those that cannot be had."""
    variants, missing = {}, {}
    for precision in arguments.precisions:
        unet = Unet(weights, PRECISIONS[precision], device)
        for mode in arguments.modes:
            name = f"{mode} {precision}"
            print(f"{name}: first runs", file=sys.stderr)
            try:
                opened = {w: Variant(unet, mode, precision, work["schedules"][w]["steps"], work, device) for w in WORKLOADS}
                for variant in opened.values():
                    for _ in range(3):
                        variant.run()
                variants[name] = opened
            except Exception as error:  # A mode that this machine lacks must not end the others.
                missing[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    return variants, missing


def measure(variants, rounds, runs):
    samples = {name: {w: {"wallMs": [], "gpuMs": []} for w in WORKLOADS} for name in variants}
    for _ in range(rounds):
        for name in [*variants, *reversed(variants)]:
            for workload, variant in variants[name].items():
                variant.set_tf32()
                taken = samples[name][workload]
                for _ in range(runs):
                    wall, gpu = variant.run()
                    taken["wallMs"].append(wall)
                    if gpu is not None:
                        taken["gpuMs"].append(gpu)
    return samples


def summarize(variants, samples, work):
    """Results are those of the last run, against warmstep's file and against eager f32, where that was run."""
    peers = []
    eager = variants.get("eager f32")
    for name, opened in variants.items():
        workloads = {}
        for workload, variant in opened.items():
            expected = torch.tensor(work["expected"]["outputs"][workload]).reshape(variant.actions.shape)
            taken = samples[name][workload]
            workloads[workload] = {
                **statistics(taken["wallMs"]),
                "gpu": statistics(taken["gpuMs"]) if taken["gpuMs"] else None,
                "error": relative_error(variant.actions, expected),
                "errorToEager": relative_error(variant.actions, eager[workload].actions) if eager else None,
                **taken,
            }
        worst = max(result["error"] for result in workloads.values())
        agrees = worst <= TOLERANCE if name.endswith(" f32") else math.isfinite(worst)
        peers.append({"name": f"torch {name}", "available": True, "workloads": workloads, "agrees": agrees})
    return peers


def report(record):
    print(f"{record['network']} U-Net, torch {record['torch']}, {record['adapter']}, reference {record['reference']}")
    for workload in WORKLOADS:
        print(f"\n{workload:22} {'runs':>5} {'p50':>10} {'p95':>10} {'p99':>10} {'GPU p50':>10} {'error':>9}")
        for peer in record["peers"]:
            if not peer["available"]:
                continue
            result = peer["workloads"][workload]
            gpu = f"{result['gpu']['p50']:.3f}" if result["gpu"] else "-"
            times = " ".join(f"{result[key]:10.3f}" for key in ("p50", "p95", "p99"))
            mark = "" if peer["agrees"] else " WRONG"
            print(f"{peer['name']:22} {result['count']:5} {times} {gpu:>10} {result['error']:9.1e}{mark}")
    for peer in record["peers"]:
        if not peer["available"]:
            print(f"\n{peer['name']}: not available: {peer['reason']}")


def list_of(choices):
    """Type of an option that is a list of words."""

    def parse(text):
        words = text.split(",")
        for word in words:
            if word not in choices:
                raise argparse.ArgumentTypeError(f'"{word}" is none of {", ".join(choices)}')
        return words

    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder that bench:peers wrote with --folder")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--modes", type=list_of(MODES), default=list(MODES))
    parser.add_argument("--precisions", type=list_of(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--rounds", type=int, default=5, help="every variant has two turns in a round")
    parser.add_argument("--runs", type=int, default=20, help="runs of a workload in a turn")
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
    weights = read_weights(arguments.folder, work["network"])
    load_before = os.getloadavg()
    variants, missing = open_variants(arguments, work, weights, device)
    samples = measure(variants, arguments.rounds, arguments.runs)
    peers = summarize(variants, samples, work)
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
