"""A client of LeRobot's asynchronous inference with Debian's grpcio: the pickles are Python's own, of classes with LeRobot's names and fields.

Prints a JSON object per answer.
"""

import json
import pickle
import sys
import types

import grpc
import numpy as np

try:
    import torch
except ImportError:  # Big: where it is not installed, what the answers call of it is enough.
    torch = types.ModuleType("torch")
    torch.tensor = lambda values: np.asarray(values, dtype=np.float32)
    sys.modules["torch"] = torch

MODULE = "lerobot.async_inference.helpers"
for name in ("lerobot", "lerobot.async_inference", MODULE):
    sys.modules[name] = types.ModuleType(name)


def declare(name):
    made = type(name, (), {"__init__": lambda self, **fields: self.__dict__.update(fields)})
    made.__module__, made.__qualname__ = MODULE, name
    setattr(sys.modules[MODULE], name, made)
    return made


RemotePolicyConfig, TimedObservation, TimedAction = map(declare, ("RemotePolicyConfig", "TimedObservation", "TimedAction"))


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def field(number, data):
    return varint(number * 8 + 2) + varint(len(data)) + data


def pieces(data, size):
    for at in range(0, len(data), size):
        state = 3 if at + size >= len(data) else 1 if at == 0 else 2
        yield b"\x08" + bytes([state]) + field(2, data[at:at + size])


def main(address):
    channel = grpc.insecure_channel(address)
    unary = {name: channel.unary_unary(f"/transport.AsyncInference/{name}") for name in ("Ready", "SendPolicyInstructions", "GetActions")}
    send = channel.stream_unary("/transport.AsyncInference/SendObservations")
    for protocol in (4, 5):
        unary["Ready"](b"", wait_for_ready=True, timeout=20)
        config = RemotePolicyConfig(
            policy_type="diffusion", pretrained_name_or_path="someone/policy", actions_per_chunk=50, device="cuda",
            lerobot_features={
                "observation.state": {"dtype": "float32", "shape": (2,), "names": ["a.pos", "b.pos"]},
                "observation.images.laptop": {"dtype": "image", "shape": (40, 60, 3), "names": ["height", "width", "channels"]},
            },
            rename_map={"observation.images.laptop": "observation.images.front"})
        unary["SendPolicyInstructions"](field(1, pickle.dumps(config, protocol)))
        for step, a, b in ((0, np.float32(1.5), -2.0), (3, np.float64(4.0), np.float32(1.0))):
            observation = {"a.pos": a, "b.pos": b, "laptop": np.full((40, 60, 3), 77, np.uint8), "task": "push"}
            timed = TimedObservation(timestamp=100 + step / 10, timestep=step, observation=observation, must_go=True)
            send(pieces(pickle.dumps(timed, protocol), 1000))
            answer = unary["GetActions"](b"")
            start = answer.index(b"\x80\x04")
            actions = pickle.loads(answer[start:])
            print(json.dumps({"protocol": protocol, "actions": [[type(one).__name__, one.timestep, one.timestamp, one.action.tolist(),
                                                                 str(one.action.dtype)] for one in actions]}))
    import os
    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/warmstep-was-here",)
    try:
        send(pieces(pickle.dumps(Evil()), 1000))
        print(json.dumps({"evil": None}))
    except grpc.RpcError as error:
        print(json.dumps({"evil": error.details(), "code": error.code().name}))


main(sys.argv[1])
