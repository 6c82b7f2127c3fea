#!/usr/bin/env python3
"""Writes the tensors of a PyTorch file as safetensors, for files that Jacquard itself refuses to read.

    python3 pytorch_to_safetensors.py IN.pth OUT.safetensors [--part state_dict] [--trust]

Needs PyTorch and the standard library, no safetensors package. Jacquard reads files of plain tensors by itself (jacquard convert); this is for the others: the format of before PyTorch 1.6,
TorchScript, checkpoints with pickled arguments or whole modules. Reading those runs code of the file, which --trust allows; without it PyTorch's own restricted reader is used where there is one.

Nested dictionaries become paths joined by dots. --part takes one dictionary alone, such as state_dict or state_dict_ema, its keys as they are.
"""
import argparse
import json
import os
import struct
import sys

import torch

NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
         torch.uint8: "U8", torch.bool: "BOOL"}


def load(path, trust):
    """The object in the file; with trust, by whatever code the file asks for."""
    if not trust:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except TypeError:
            sys.exit("this PyTorch has no restricted reader (weights_only): pass --trust if you trust the file")
        except Exception as e:  # The pickle's own error, one of many kinds.
            sys.exit(f"{path}: the restricted reader refuses it: {str(e).splitlines()[0]}; pass --trust if you trust the file")
    try:
        return torch.jit.load(path, map_location="cpu").state_dict()
    except RuntimeError:
        pass  # No TorchScript archive.
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except TypeError:
        return torch.load(path, map_location="cpu")


def tensors(value, path=""):
    """Pairs of path and tensor in dictionaries, lists, and modules."""
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if isinstance(value, torch.Tensor):
        yield path, value.detach()
    elif isinstance(value, (dict, list, tuple)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(inner, f"{path}.{key}" if path else str(key))


def write(path, named):
    """A safetensors file: length of the header, header, tensors one after the other. It appears whole or not at all."""
    header, begin = {"__metadata__": {"format": "pt"}}, 0
    for name, t in named.items():
        if t.dtype not in NAMES:
            sys.exit(f"{name}: element type {t.dtype} has no name in safetensors")
        end = begin + t.numel() * t.element_size()
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as f:
            f.write(struct.pack("<Q", len(text)))
            f.write(text)
            for t in named.values():
                # As bytes: NumPy has no bfloat16, and a scalar cannot be viewed as another type. Machines that run PyTorch are little-endian.
                f.write(t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b"")
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--part", help="key of the dictionary to write; default: all of the file")
    parser.add_argument("--trust", action="store_true", help="run the code that the file asks for")
    args = parser.parse_args()
    value = load(args.input, args.trust)
    if args.part is not None:
        if not isinstance(value, dict) or args.part not in value:
            sys.exit(f"{args.input}: no part {args.part!r}; there are {sorted(map(str, value)) if isinstance(value, dict) else 'none'}")
        value = value[args.part]
    named = {}
    for name, t in tensors(value):
        if name in named:
            sys.exit(f"{args.input}: two tensors are named {name}")
        named[name] = t
    if not named:
        sys.exit(f"{args.input}: no tensors")
    write(args.output, named)
    print(f"{args.output}: {len(named)} tensors, {sum(t.numel() for t in named.values())} elements")


if __name__ == "__main__":
    main()
