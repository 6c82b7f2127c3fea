#!/usr/bin/env python3
"""Makes the fixtures of OperationsTest and of TransformTest: run in this folder with Pillow (written with 9.4.0) and NumPy, results go to ../resources.

augment-pillow.bin.gz is made by Pillow's own functions with the magnitudes of NVIDIA's PyTorch program; augment-tf.bin.gz by a
transcription to NumPy of the formulas of NVIDIA's TensorFlow program (there is no TensorFlow here). Gzip; big-endian. Both: int
pictures; per picture int width, height, then (height, width, 3); int cases; per case int picture, operation (the ordinal in
Operation), double level (negative: the other direction), translate, cutout, int x, y (of cutout), reflect, then the result.
"""
import gzip
import math
import struct
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

OUT = "../resources/"
NAMES = ("autocontrast equalize invert rotate posterize solarize color contrast brightness sharpness"
         " shear_x shear_y translate_x translate_y cutout solarize_add").split()
DIRECTED = {"rotate", "shear_x", "shear_y", "translate_x", "translate_y"}
PLAIN = {"autocontrast", "equalize", "invert"}
LEVELS = (0, 1, 5, 10)


def pictures():
    noisy = np.array([[[((x * 37 + y * 91 + c * 53) ^ (x * y * 7)) & 255 for c in range(3)] for x in range(19)] for y in range(14)])
    smooth = np.array([[[40 + x * 6, 200 - y * 7, 90 + (x * 5 + y * 3) % 60] for x in range(24)] for y in range(18)])
    flat = np.full((9, 11, 3), (17, 128, 255))
    flat[4, 5] = (18, 127, 0)
    return [p.astype(np.uint8) for p in (noisy, smooth, flat)]


def pillow(name, p, level, translate, cutout, x, y, reflect):
    im = Image.fromarray(p)
    enhance = 0.1 + 0.18 * level
    gray = (128, 128, 128)
    affine = lambda data, **options: im.transform(im.size, Image.AFFINE, data, fillcolor=gray, **options)
    if name == "rotate":
        turned = im.convert("RGBA").rotate(3 * level)
        im = Image.composite(turned, Image.new("RGBA", im.size, (128,) * 4), turned).convert("RGB")
    elif name == "cutout":
        a = np.array(im)
        reach = int(level / 10 * cutout)
        a[max(0, y - reach):y + reach, max(0, x - reach):x + reach] = 128
        return a
    elif name == "solarize_add":
        im = im.point([min(255, round(v + 11 * level)) if v < 128 else v for v in range(256)] * 3)
    else:
        im = {
            "autocontrast": lambda: ImageOps.autocontrast(im),
            "equalize": lambda: ImageOps.equalize(im),
            "invert": lambda: ImageOps.invert(im),
            "posterize": lambda: ImageOps.posterize(im, int(round(0.4 * level))),
            "solarize": lambda: ImageOps.solarize(im, 25.6 * level),
            "color": lambda: ImageEnhance.Color(im).enhance(enhance),
            "contrast": lambda: ImageEnhance.Contrast(im).enhance(enhance),
            "brightness": lambda: ImageEnhance.Brightness(im).enhance(enhance),
            "sharpness": lambda: ImageEnhance.Sharpness(im).enhance(enhance),
            "shear_x": lambda: affine((1, 0.03 * level, 0, 0, 1, 0), resample=Image.BICUBIC),
            "shear_y": lambda: affine((1, 0, 0, 0.03 * level, 1, 0), resample=Image.BICUBIC),
            "translate_x": lambda: affine((1, 0, translate / 10 * level, 0, 1, 0)),
            "translate_y": lambda: affine((1, 0, 0, 0, 1, translate / 10 * level)),
        }[name]()
    return np.array(im)


F = np.float32


def mix(a, b, factor):
    a = a.astype(F)
    return np.clip(a + F(factor) * (b.astype(F) - a), 0, 255).astype(np.uint8)


def to_gray(p):
    unit = p.astype(F) * F(1 / 255)
    return ((unit[..., 0] * F(0.2989) + unit[..., 1] * F(0.587) + unit[..., 2] * F(0.114)) * F(255.5)).astype(np.uint8)[..., None].repeat(3, 2)


def half_away(v):
    return np.floor(v.astype(np.float64) + 0.5).astype(int)


def mirrored(v, n):
    out = v.copy()
    low, high = v < 0, v > n - 1
    t = F(2 * n) * np.trunc(-v / F(2 * n)).astype(F) + v
    out[low] = np.where(t < -n, t + F(2 * n), -t - F(1))[low]
    t = v - F(2 * n) * np.trunc(v / F(2 * n)).astype(F)
    out[high] = np.where(t >= n, F(2 * n) - t - F(1), t)[high]
    return np.clip(out, 0, n - 1).astype(F)


def warp(p, m, reflect):
    h, w = p.shape[:2]
    m = [F(v) for v in m]
    x, y = np.meshgrid(np.arange(w, dtype=F), np.arange(h, dtype=F))
    sx, sy = m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]
    if reflect:
        sx, sy = mirrored(sx, w), mirrored(sy, h)
    inside = (sx >= 0) & (sx <= w - 1) & (sy >= 0) & (sy <= h - 1)
    ix, iy = half_away(np.where(inside, sx, 0)), half_away(np.where(inside, sy, 0))
    return np.where(inside[..., None], p[iy, ix], np.uint8(128))


def tensorflow(name, p, level, translate, cutout, x, y, reflect):
    h, w = p.shape[:2]
    part = level / 10
    factor = part * 1.8 + 0.1
    if name == "autocontrast":
        out = p.copy()
        for c in range(3):
            low, high = F(p[..., c].min()), F(p[..., c].max())
            if high > low:
                scale = F(255) / (high - low)
                out[..., c] = np.clip(p[..., c].astype(F) * scale + -low * scale, 0, 255).astype(np.uint8)
        return out
    if name == "equalize":
        out = p.copy()
        for c in range(3):
            counts = np.bincount(p[..., c].ravel(), minlength=256)
            used = counts[counts != 0]
            step = (used.sum() - used[-1]) // 255
            if step:
                lut = np.concatenate([[0], ((np.cumsum(counts) + step // 2) // step)[:-1]])
                out[..., c] = np.clip(lut, 0, 255)[p[..., c]]
        return out
    if name == "sharpness":
        v = p.astype(int)
        total = sum(v[i:h - 2 + i, j:w - 2 + j] for i in range(3) for j in range(3)) + 4 * v[1:-1, 1:-1]
        soft = p.copy()
        soft[1:-1, 1:-1] = total // 13
        return mix(soft, p, factor)
    if name == "cutout":
        return pillow(name, p, level, translate, cutout, x, y, reflect)
    if name == "rotate":
        a = F(part * 30 * (math.pi / 180))
        c, s, r, b = np.cos(a), np.sin(a), F(w - 1), F(h - 1)
        return warp(p, (c, -s, (r - (c * r - s * b)) / F(2), s, c, (b - (s * r + c * b)) / F(2)), reflect)
    shift = part * translate
    bits = min(7, 8 - int(part * 4))
    return {
        "invert": lambda: 255 - p,
        "posterize": lambda: p >> bits << bits,
        "solarize": lambda: np.where(p < int(part * 256), p, 255 - p),
        "solarize_add": lambda: np.where(p < 128, np.clip(p.astype(int) + int(part * 110), 0, 255), p),
        "color": lambda: mix(to_gray(p), p, factor),
        "contrast": lambda: mix(np.full(p.shape, int(min(255, w * h / 256.0)), np.uint8), p, factor),
        "brightness": lambda: mix(np.zeros_like(p), p, factor),
        "shear_x": lambda: warp(p, (1, part * 0.3, 0, 0, 1, 0), reflect),
        "shear_y": lambda: warp(p, (1, 0, 0, part * 0.3, 1, 0), reflect),
        "translate_x": lambda: warp(p, (1, 0, shift, 0, 1, 0), reflect),
        "translate_y": lambda: warp(p, (1, 0, 0, 0, 1, shift), reflect),
    }[name]()


def cases(levels, reflects):
    for picture in range(3):
        for op, name in enumerate(NAMES):
            for level in (5,) if name in PLAIN else levels:
                for sign in (1, -1) if name in DIRECTED and level else (1,):
                    for reflect in reflects if name in DIRECTED and level else (0,):
                        for translate in (13, 250) if name.startswith("translate") and level == 1 else (13,):
                            yield picture, op, float(sign * level), float(translate), 6.0, picture * 4 % 11, picture * 5 % 9, reflect


def write(file, function, levels, reflects):
    ps = pictures()
    todo = list(cases(levels, reflects))
    with gzip.GzipFile(OUT + file, "wb", 9, mtime=0) as f:
        f.write(struct.pack(">i", len(ps)))
        for p in ps:
            f.write(struct.pack(">2i", p.shape[1], p.shape[0]) + p.tobytes())
        f.write(struct.pack(">i", len(todo)))
        for case in todo:
            picture, op, rest = case[0], NAMES[case[1]], case[2:]
            f.write(struct.pack(">2i3d3i", *case) + function(op, ps[picture], *rest).astype(np.uint8).tobytes())


# Resizing without antialiasing, in NumPy: int cases; per case 8 ints as in pil-resize.bin and the ordinal in Interpolation, then the result. The
# source is pattern(width, height) of make_pil_fixture.py.
def weights(n_in, n_out, kind):
    table = np.zeros((n_out, n_in))
    for i in range(n_out):
        at = i * n_in / n_out if kind == 4 else (i + 0.5) * n_in / n_out - 0.5
        first = math.floor(at)
        d = at - first
        cubic = [-0.5 * d + d * d - 0.5 * d ** 3, 1 - 2.5 * d * d + 1.5 * d ** 3, 0.5 * d + 2 * d * d - 1.5 * d ** 3, -0.5 * d * d + 0.5 * d ** 3]
        for k, w in enumerate(cubic if kind == 3 else [0, 1 - d, d, 0]):
            table[i, min(max(first - 1 + k, 0), n_in - 1)] += w
    return table


RESIZES = [(64, 48, 0, 0, 64, 48, 20, 15), (20, 15, 0, 0, 20, 15, 33, 29), (40, 40, 5, 3, 31, 22, 16, 16), (3, 2, 0, 0, 3, 2, 11, 9), (1, 1, 0, 0, 1, 1, 5, 4)]


def resizes():
    with gzip.GzipFile(OUT + "resize-aliased.bin.gz", "wb", 9, mtime=0) as f:
        f.write(struct.pack(">i", 3 * len(RESIZES)))
        for kind in (2, 3, 4):
            for w, h, x, y, cw, ch, rw, rh in RESIZES:
                p = np.array([[[((i * 37 + j * 91 + c * 53) ^ (i * j * 7)) & 255 for c in range(3)] for i in range(w)] for j in range(h)])
                p = p[y:y + ch, x:x + cw].astype(float)
                out = np.einsum("xi,jic->jxc", weights(cw, rw, kind), p)
                if kind == 3:  # an 8-bit intermediate, as Pillow has
                    out = np.clip(np.floor(out + 0.5), 0, 255)
                out = np.einsum("yj,jxc->yxc", weights(ch, rh, kind), out)
                f.write(struct.pack(">9i", w, h, x, y, cw, ch, rw, rh, kind) + np.clip(np.floor(out + 0.5), 0, 255).astype(np.uint8).tobytes())


if __name__ == "__main__":
    write("augment-pillow.bin.gz", pillow, LEVELS + (3, 7.5), (0,))
    write("augment-tf.bin.gz", tensorflow, LEVELS + (3, 7.5, 15), (0, 1))
    resizes()
