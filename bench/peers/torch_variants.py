"""What both PyTorch scripts of this folder share: precisions, turns, statistics, and the record."""
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

# tf32 is f32 storage with shortened factors in the products, which is what PyTorch users get when they allow it.
PRECISIONS = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
TOLERANCE = 1e-3


def compiled(function):
    """torch.compile with a cache of its own: it keeps one for every code object, and looks through all entries at each call."""
    own = types.FunctionType(
        function.__code__.replace(), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    return torch.compile(own, fullgraph=True)


class Variant:
    """One way to run one workload: buffers on the host and the device, and what replays the network."""

    def __init__(self, run, mode, precision, host, result_shape, device):
        """`run`: from tensors on the device to the result; `host`: what goes up, in that order."""
        self.cuda = device.type == "cuda"
        self.tf32 = precision == "tf32"
        pin = (lambda tensor: tensor.pin_memory()) if self.cuda else (lambda tensor: tensor)
        self.host = [pin(tensor) for tensor in host]
        self.inputs = [tensor.to(device) for tensor in self.host]
        self.result = pin(torch.empty(result_shape))
        self.set_tf32()
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
                network(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = network(*self.inputs)

        def replay(*_inputs):
            graph.replay()
            return result

        self.network = replay

    def run(self):
        """Milliseconds by the wall clock with all copies, and of the GPU by events without them (None on a CPU)."""
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if self.cuda else []
        started = time.perf_counter()
        for source, target in zip(self.host, self.inputs):
            target.copy_(source, non_blocking=True)
        if events:
            events[0].record()
        result = self.network(*self.inputs)
        if events:
            events[1].record()
        self.result.copy_(result, non_blocking=True)
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


def read_json(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def read_weights(folder, layout, prefix):
    """Tensors by name, without the prefix that all of them have."""
    flat = torch.from_file(os.path.join(folder, layout["weights_file"]), size=layout["bytes"] // 4, dtype=torch.float32)
    weights = {}
    for tensor in layout["tensors"]:
        begin = tensor["offset"] // 4
        values = flat[begin : begin + tensor["bytes"] // 4]
        weights[tensor["name"].removeprefix(prefix)] = values.reshape(tensor["shape"])
    return weights


def open_variants(arguments, workloads, open_variant):
    """Variants of each workload by name, and the reasons of those that cannot be had. `open_variant(workload, mode, precision)`."""
    variants, missing = {}, {}
    for precision in arguments.precisions:
        for mode in arguments.modes:
            name = f"{mode} {precision}"
            print(f"{name}: first runs", file=sys.stderr)
            try:
                opened = {workload: open_variant(workload, mode, precision) for workload in workloads}
                for variant in opened.values():
                    for _ in range(3):
                        variant.run()
                variants[name] = opened
            except Exception as error:  # A mode that this machine lacks must not end the others.
                missing[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    return variants, missing


def measure(variants, rounds, runs):
    """Variants take turns there and back."""
    samples = {name: {workload: {"wallMs": [], "gpuMs": []} for workload in opened} for name, opened in variants.items()}
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


def summarize(variants, missing, samples, outputs):
    """Results are those of the last run, against warmstep's file and against eager f32, where that was run."""
    peers = []
    eager = variants.get("eager f32")
    for name, opened in variants.items():
        workloads = {}
        for workload, variant in opened.items():
            # One output, whatever the batch.
            shape = (1, *variant.result.shape[1:])
            expected = torch.tensor(outputs[workload], dtype=torch.float32).reshape(shape).expand_as(variant.result)
            taken = samples[name][workload]
            workloads[workload] = {
                **statistics(taken["wallMs"]),
                "gpu": statistics(taken["gpuMs"]) if taken["gpuMs"] else None,
                "error": relative_error(variant.result, expected),
                "errorToEager": relative_error(variant.result, eager[workload].result) if eager else None,
                **taken,
            }
        worst = max(result["error"] for result in workloads.values())
        agrees = worst <= TOLERANCE if name.endswith(" f32") else math.isfinite(worst)
        peers.append({"name": f"torch {name}", "available": True, "workloads": workloads, "agrees": agrees})
    return peers + [{"name": f"torch {name}", "available": False, "reason": reason} for name, reason in missing.items()]


def report(record, title, workloads):
    print(f"{title}, torch {record['torch']}, {record['adapter']}, reference {record['reference']}")
    for workload in workloads:
        print(f"\n{workload:32} {'runs':>5} {'p50':>10} {'p95':>10} {'p99':>10} {'GPU p50':>10} {'error':>9}")
        for peer in record["peers"]:
            if not peer["available"]:
                continue
            result = peer["workloads"][workload]
            gpu = f"{result['gpu']['p50']:.3f}" if result["gpu"] else "-"
            times = " ".join(f"{result[key]:10.3f}" for key in ("p50", "p95", "p99"))
            mark = "" if peer["agrees"] else " WRONG"
            print(f"{peer['name']:32} {result['count']:5} {times} {gpu:>10} {result['error']:9.1e}{mark}")
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


def parser_of(description, folder_help, modes):
    """Options of both scripts."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help=folder_help)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--modes", type=list_of(modes), default=list(modes))
    parser.add_argument("--precisions", type=list_of(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--rounds", type=int, default=5, help="every variant has two turns in a round")
    parser.add_argument("--runs", type=int, default=20, help="runs of a workload in a turn")
    parser.add_argument("--threads", type=int, help="of PyTorch on a CPU")
    parser.add_argument("--output", help="write the record as JSON")
    return parser


def contest(arguments, work, title, workloads, open_variant, more=None):
    """Opens all variants, lets them take turns, prints and writes the record; returns the exit code."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    # Convolutions are tried out once, as anybody in a hurry would set it.
    torch.backends.cudnn.benchmark = True
    device = torch.device(arguments.device)
    load_before = os.getloadavg()
    variants, missing = open_variants(arguments, workloads, open_variant)
    samples = measure(variants, arguments.rounds, arguments.runs)
    peers = summarize(variants, missing, samples, work["expected"]["outputs"])
    record = {
        "format": "warmstep-bench-torch",
        "date": datetime.now(timezone.utc).isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "adapter": torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads",
        "cuda": torch.version.cuda,
        "loadAverage": load_before,
        "network": work["network"],
        **(more or {}),
        "rounds": arguments.rounds,
        "tolerance": TOLERANCE,
        "reference": work["expected"]["engine"],
        "peers": peers,
    }
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            json.dump(record, file)
    report(record, title, workloads)
    return 0 if all(peer.get("agrees", True) for peer in peers) else 1
