"""Files of training cases: safetensors, and weights that no file holds. Needs NumPy alone."""
import json
import struct

import numpy as np

DTYPES = {"F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def read_tensors(path):
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size :]
    at = lambda entry: body[slice(*entry["data_offsets"])]
    return {name: np.frombuffer(at(entry), DTYPES[entry["dtype"]]).reshape(entry["shape"]) for name, entry in header.items()}


def write_tensors(path, tensors):
    header, parts, position = {}, [], 0
    for name, values in sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize):
        kind = next(kind for kind, dtype in DTYPES.items() if dtype == values.dtype)
        part = np.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [position, position + len(part)]}
        parts.append(part)
        position += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def formula_values(count, number, offset, scale, seed):
    """Weights that no file holds: element i is a hash of its index (test/goldens/README.md)."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)
        x += np.uint32((number * 0x85EBCA77 + seed * 0xC2B2AE3D) & 0xFFFFFFFF)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return (offset + (x.astype(np.float64) / 2**32 * 2 - 1) * scale).astype(np.float32)
