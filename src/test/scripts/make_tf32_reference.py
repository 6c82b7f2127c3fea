"""Writes products and convolutions of operands rounded to TF32, for Tf32ReferenceTest.

Usage: python3 make_tf32_reference.py

Needs numpy only. Operands are F32 in [-1, 1], some of them halfway between two numbers of TF32. They are rounded to 10 bits of mantissa, to nearest with ties away from zero, by arithmetic
on mantissa and exponent (the engine does it on bits), multiplied and added up in double by sums over taps, and stored as F64. Layouts are the engine's: images N H W C, weights K R S C/groups.
The file is resources/reference/tf32_products.safetensors: per case the operands and the results by name, matmul_nn.a, matmul_nn.y, conv_3x3.dw and so on.
"""

import json
import pathlib
import struct

import numpy as np

FILE = pathlib.Path(__file__).resolve().parent.parent / "resources" / "reference" / "tf32_products.safetensors"
NAMES = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64"}


def tf32(x):
    """The nearest numbers of 1 + 10 bits, as doubles; ties away from zero. Operands here are no subnormals."""
    mantissa, exponent = np.frexp(x.astype(np.float64))  # 0.5 <= |mantissa| < 1
    return np.ldexp(np.copysign(np.floor(np.abs(mantissa) * 2048 + 0.5), mantissa), exponent - 11)


def operand(rng, *shape):
    """F32 in [-1, 1]; every seventh element is a tie."""
    x = rng.uniform(-1, 1, shape).astype(np.float32)
    flat = x.reshape(-1)
    flat[::7] = (tf32(flat[::7]) + np.ldexp(0.5, np.frexp(flat[::7])[1] - 11)).astype(np.float32)
    return x


def padded(x, pad):
    return np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def convolution(x, w, dy, stride, pad, groups):
    """y, dx and dw of a convolution, tap by tap."""
    n, oh, ow, k = dy.shape
    kg, cg = k // groups, x.shape[3] // groups
    xp = padded(x, pad)
    y, dxp, dw = np.zeros(dy.shape), np.zeros(xp.shape), np.zeros(w.shape)
    for r in range(w.shape[1]):
        for s in range(w.shape[2]):
            rows, columns = slice(r, r + stride * (oh - 1) + 1, stride), slice(s, s + stride * (ow - 1) + 1, stride)
            for g in range(groups):
                ks, cs = slice(g * kg, (g + 1) * kg), slice(g * cg, (g + 1) * cg)
                y[..., ks] += np.einsum("nhwc,kc->nhwk", xp[:, rows, columns, cs], w[ks, r, s])
                dxp[:, rows, columns, cs] += np.einsum("nhwk,kc->nhwc", dy[..., ks], w[ks, r, s])
                dw[ks, r, s] += np.einsum("nhwk,nhwc->kc", dy[..., ks], xp[:, rows, columns, cs])
    return y, dxp[:, pad:pad + x.shape[1], pad:pad + x.shape[2]], dw


def cases():
    rng = np.random.default_rng(20260406)
    m, n, k = 20, 12, 40
    for name, a, b, product in (("nn", (m, k), (k, n), lambda a, b: a @ b), ("nt", (m, k), (n, k), lambda a, b: a @ b.T), ("tn", (k, m), (k, n), lambda a, b: a.T @ b)):
        a, b = operand(rng, *a), operand(rng, *b)
        yield f"matmul_{name}", {"a": a, "b": b, "y": product(tf32(a), tf32(b))}
    for name, (h, w, c), (kk, r), stride, pad, groups in (("3x3", (7, 9, 8), (12, 3), 2, 1, 1), ("1x1", (5, 6, 16), (12, 1), 1, 0, 1), ("grouped", (6, 5, 16), (32, 3), 1, 1, 4)):
        x, weights = operand(rng, 2, h, w, c), operand(rng, kk, r, r, c // groups)
        dy = operand(rng, 2, (h + 2 * pad - r) // stride + 1, (w + 2 * pad - r) // stride + 1, kk)
        y, dx, dw = convolution(tf32(x), tf32(weights), tf32(dy), stride, pad, groups)
        yield f"conv_{name}", {"x": x, "w": weights, "dy": dy, "y": y, "dx": dx, "dw": dw}


def main():
    tensors = {f"{case}.{name}": np.ascontiguousarray(v) for case, values in cases() for name, v in values.items()}
    header, end = {}, 0
    for name, v in tensors.items():
        header[name] = {"dtype": NAMES[v.dtype], "shape": list(v.shape), "data_offsets": [end, end + v.nbytes]}
        end += v.nbytes
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    FILE.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))


if __name__ == "__main__":
    main()
