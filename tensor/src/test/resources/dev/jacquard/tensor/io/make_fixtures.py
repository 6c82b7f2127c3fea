"""Writes the files beside this script with the libraries that define the formats.

Needs numpy, safetensors and ml_dtypes (run with 2.4.6, 0.8.0 and 0.6.0). The tests need none of them: the files are
committed. Values of element i: i - 2, wrapped for unsigned types.
"""
import os

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def values(dtype, *shape):
    return (np.arange(int(np.prod(shape))) - 2).astype(dtype).reshape(shape)


for d in ["f4", "f8", "f2", "i1", "u1", "i4", "i8"]:
    np.save(f"{d}.npy", values(d, 2, 3))
np.save("scalar.npy", np.array(3.5, "f8"))
np.save("vector.npy", values("f4", 5))
np.save("empty.npy", np.zeros((0, 3), "f4"))
np.save("rank4.npy", values("f4", 12, 1, 2, 1))
for v in (2, 3):
    with open(f"version{v}.npy", "wb") as f:
        np.lib.format.write_array(f, values("f4", 2, 3), version=(v, 0))
np.save("fortran.npy", np.asfortranarray(values("f4", 2, 3)))
np.save("bigendian.npy", values(">f4", 2, 3))
np.save("object.npy", np.array([None, "x"], object), allow_pickle=True)
np.save("struct.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
np.save("bool.npy", np.array([True, False]))

# Rounding to bfloat16 by another implementation: ties both ways, subnormals, overflow to infinity, random bits.
bits = np.array([0x3F808000, 0x3F818000, 0x3F80FFFF, 0x00000001, 0x00018000, 0x7F7FFFFF, 0x7F7F8000, 0x7F7F7FFF, 0xFF800000,
                 0x80000000, 0x00007FFF, 0x00008000, 0x00008001], "u4")
bits = np.concatenate([bits, np.random.default_rng(7).integers(0, 2**32, 500, dtype="u4")])
bits = bits[~np.isnan(bits.view("f4"))]
np.save("bf16_in.npy", bits.view("f4"))
np.save("bf16_out.npy", bits.view("f4").astype(ml_dtypes.bfloat16).view("u2").astype("i4"))

save_file({"f32": values("f4", 2, 3), "f64": values("f8", 2, 3), "f16": values("f2", 2, 3), "bf16": values(ml_dtypes.bfloat16, 2, 3),
           "i8": values("i1", 2, 3), "u8": values("u1", 2, 3), "i32": values("i4", 2, 3), "i64": values("i8", 2, 3),
           "bool": np.array([True, False, True]), "u16": values("u2", 2), "scalar": np.array(3.5, "f4"), "empty": np.zeros((0, 3), "f4"),
           "gewicht.ä/重み \"q\" \\ 🧵": values("f4", 1)}, "all.safetensors", metadata={"format": "np", "é": "1\n2"})
