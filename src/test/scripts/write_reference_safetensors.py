"""Writes a ResNet's state dict, filled by hash_formula.py, as a .safetensors file: for manual cross-checks.

Usage: python3 write_reference_safetensors.py {resnet18|resnet50} FILE

Needs numpy only: names, shapes and dtypes come from the committed <model>_state.json, whose CRC-32s are checked on the
way, so a file that was written holds exactly the weights that the reference values were computed with. Batch counters
are I64 scalars, as in torchvision. The format: 8 bytes little-endian header length, the JSON header padded with spaces
to a multiple of 8, then the tensors' bytes in the header's order without gaps.
"""

import argparse
import json
import pathlib
import struct
import zlib

import hash_formula as hf

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "resources" / "reference"
SIZES = {"F32": 4, "I64": 8}


def write(rows, path):
    """Writes the tensors listed in rows (name, shape, dtype, crc32), in that order."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for row in rows:
        size = SIZES[row["dtype"]]
        for d in row["shape"]:
            size *= d
        header[row["name"]] = {"dtype": row["dtype"], "shape": row["shape"], "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for row in rows:
            data = hf.parameter(row["name"], tuple(row["shape"])).tobytes()
            if f"{zlib.crc32(data):08x}" != row["crc32"]:
                raise SystemExit(f"{row['name']}: CRC-32 differs from {REFERENCE.name}; rerun make_resnet_reference.py")
            f.write(data)
    return 8 + len(text) + end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("resnet18", "resnet50"))
    parser.add_argument("file", type=pathlib.Path)
    args = parser.parse_args()
    rows = json.loads((REFERENCE / f"{args.model}_state.json").read_text())["tensors"]
    print(f"{args.file}: {len(rows)} tensors, {write(rows, args.file)} bytes")


if __name__ == "__main__":
    main()
