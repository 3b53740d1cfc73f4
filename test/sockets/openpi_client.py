"""A client of openpi's protocol, by other hands than the server: Debian's msgpack, NumPy and websockets.

Arrays are encoded as openpi's msgpack_numpy describes them (its own code is not here). Prints a JSON object per check.
"""

import asyncio
import json
import sys

import msgpack
import numpy as np
import websockets


def encode(value):
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "VOc":
            raise TypeError(value.dtype)
        return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}
    if isinstance(value, np.generic):
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return value


def decode(value):
    # Looked up as bytes: a reply whose maps have text keys would stay a plain map.
    if b"__ndarray__" in value:
        return np.ndarray(buffer=value[b"data"], dtype=np.dtype(value[b"dtype"]), shape=value[b"shape"])
    if b"__npgeneric__" in value:
        return np.dtype(value[b"dtype"]).type(value[b"data"])
    return value


def pack(value):
    return msgpack.packb(value, default=encode)


def unpack(data):
    return msgpack.unpackb(data, object_hook=decode)


class Client:
    def __init__(self, url, **options):
        self.url, self.options = url, options

    async def __aenter__(self):
        self.socket = await websockets.connect(self.url, compression=None, max_size=None, **self.options)
        self.metadata = unpack(await self.socket.recv())
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def infer(self, observation):
        await self.socket.send(pack(observation))
        answer = await self.socket.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return unpack(answer)


def told(name, **found):
    print(json.dumps({"check": name, **found}))


async def main(url, key):
    headers = {"extra_headers": {"Authorization": f"Api-Key {key}"}}
    async with Client(url, **headers) as client:
        told("metadata", metadata=client.metadata)
    try:
        async with Client(url):
            told("no key", refused=False)
    except websockets.InvalidStatusCode as error:
        told("no key", refused=error.status_code)

    image = (np.arange(4 * 6 * 3) % 251).astype(np.uint8).reshape(4, 6, 3)
    numbers = np.array([1.5, -2.0])
    wide = np.zeros((2, 4))
    wide[:, ::2] = numbers
    for name, state in {
        "f32": numbers.astype(np.float32),
        "f64": numbers,
        "big-endian": numbers.astype(">f4"),
        "f16": numbers.astype(np.float16),
        "strided": wide[1, ::2],
        "row": numbers[None],
        "list": [1.5, -2.0],
        "scalars": [np.float32(1.5), np.float64(-2.0)],
        "window": np.stack([numbers, numbers]),
    }.items():
        async with Client(url, **headers) as client:
            picture = np.stack([image, image]) if name == "window" else image
            answer = await client.infer({"observation/state": state, "images": {"front": picture}, "prompt": "push"})
            actions = answer["actions"]
            told(name, actions=actions.tolist(), dtype=actions.dtype.str, shape=list(actions.shape),
                 timing=sorted(answer["server_timing"]), types=[type(v).__name__ for v in answer["server_timing"].values()])
    for name, picture in {"planes": image.transpose(2, 0, 1), "floats": (image / 255).astype(np.float32),
                          "float planes": (image / 255).transpose(2, 0, 1)}.items():
        async with Client(url, **headers) as client:
            answer = await client.infer({"state": numbers, "images": {"front": picture}})
            told(name, actions=answer["actions"].tolist())
    for name, observation in {
        "a missing key": {"images": {"front": image}},
        "a wrong size": {"state": np.zeros(3), "images": {"front": image}},
        "nan": {"state": np.array([np.nan, 0]), "images": {"front": image}},
        "a wrong picture": {"state": numbers, "images": {"front": image[:2]}},
    }.items():
        async with Client(url, **headers) as client:
            try:
                await client.infer(observation)
                told(name, error=None)
            except RuntimeError as error:
                try:
                    await client.socket.recv()
                except websockets.ConnectionClosed as closed:
                    told(name, error=str(error), code=closed.code)

    async def episode(start):
        async with Client(url, **headers) as client:
            answers = [await client.infer({"state": np.array([start + i, 0.0]), "images": {"front": image}}) for i in range(20)]
            return [answer["actions"].tolist() for answer in answers]

    alone = [await episode(10.0), await episode(500.0)]
    together = await asyncio.gather(episode(10.0), episode(500.0))
    told("two clients", equal=alone == list(together))


asyncio.run(main(*sys.argv[1:]))
