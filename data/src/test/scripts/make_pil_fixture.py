#!/usr/bin/env python3
"""Makes the fixtures of PillowTest from Pillow (written with 9.4.0): run in this folder, results go to ../resources.

pil-resize.bin (bilinear) and pil-bicubic.bin, big-endian: int cases; per case 8 ints (source width, height, crop x, y, width, height, result width, height),
then the result (height, width, 3). The source is pattern(width, height), which the test computes too.
pil-*.jpg with pil-*.rgb: a JPEG and what Pillow decodes it to (height, width, 3).
"""
import io
import struct
import subprocess
from PIL import Image

OUT = "../resources/"


def pattern(w, h):
    im = Image.new("RGB", (w, h))
    im.putdata([tuple(((x * 37 + y * 91 + c * 53) ^ (x * y * 7)) & 255 for c in range(3)) for y in range(h) for x in range(w)])
    return im


def smooth(w, h):
    im = Image.new("RGB", (w, h))
    im.putdata([(x * 255 // w, y * 255 // h, (x * 5 + y * 3) % 256) for y in range(h) for x in range(w)])
    return im


CASES = [
    (64, 48, 0, 0, 64, 48, 20, 15),
    (20, 15, 0, 0, 20, 15, 33, 29),
    (40, 40, 5, 3, 31, 22, 16, 16),
    (32, 32, 2, 7, 24, 25, 32, 32),
    (100, 7, 0, 0, 100, 7, 13, 13),
    (7, 100, 1, 10, 5, 80, 13, 13),
    (32, 32, 4, 4, 16, 16, 16, 16),
    (50, 37, 0, 0, 50, 37, 50, 20),
    (50, 37, 0, 0, 50, 37, 10, 37),
    (3, 2, 0, 0, 3, 2, 11, 9),
    (1, 1, 0, 0, 1, 1, 5, 4),
    (300, 200, 17, 9, 250, 180, 8, 8),
]

for name, kind in (("pil-resize.bin", Image.BILINEAR), ("pil-bicubic.bin", Image.BICUBIC)):
    with open(OUT + name, "wb") as f:
        f.write(struct.pack(">i", len(CASES)))
        for case in CASES:
            w, h, x, y, cw, ch, rw, rh = case
            result = pattern(w, h).crop((x, y, x + cw, y + ch)).resize((rw, rh), kind)
            f.write(struct.pack(">8i", *case) + result.tobytes())

# torchvision's evaluation: shorter side 18, centre 16
w, h = 50, 37
image = pattern(w, h).resize((int(18 * w / h), 18), Image.BILINEAR)
left, top = int(round((image.width - 16) / 2.0)), int(round((image.height - 16) / 2.0))
with open(OUT + "pil-eval.bin", "wb") as f:
    f.write(image.crop((left, top, left + 16, top + 16)).tobytes())


def jpeg(name, im, edit=lambda b: b, **options):
    stream = io.BytesIO()
    im.save(stream, "JPEG", **options)
    with open(OUT + name + ".jpg", "wb") as f:
        f.write(edit(stream.getvalue()))
    with open(OUT + name + ".rgb", "wb") as f:
        f.write(Image.open(OUT + name + ".jpg").convert("RGB").tobytes())


jpeg("pil-420", smooth(33, 21), quality=85, subsampling=2)
jpeg("pil-444", smooth(33, 21), quality=85, subsampling=0)
jpeg("pil-progressive", smooth(33, 21), quality=85, progressive=True)
jpeg("pil-gray", smooth(33, 21).convert("L"), quality=85)
jpeg("pil-cmyk", smooth(33, 21).convert("CMYK"), quality=95)


def without_jfif(b):
    return b[:2] + b[4 + struct.unpack(">H", b[4:6])[0]:]


def with_rgb_ids(b):
    b = bytearray(without_jfif(b))
    frame, scan = b.index(b"\xff\xc0") + 10, b.index(b"\xff\xda") + 5
    for i, c in enumerate(b"RGB"):
        b[frame + 3 * i] = c
        b[scan + 2 * i] = c
    return bytes(b)


def as_ycck(b):
    b = bytearray(b)
    b[b.index(b"Adobe") + 11] = 2
    return bytes(b)


jpeg("pil-no-markers", smooth(33, 21), without_jfif, quality=85, subsampling=2)
jpeg("pil-rgb", smooth(33, 21), with_rgb_ids, quality=85, subsampling=0)
jpeg("pil-ycck", smooth(33, 21).convert("CMYK"), as_ycck, quality=95)

# For JpegCodecTest: every sampling, restart markers, several units with a partial one at the edges, noise (long codes), an image too narrow to be smoothed.


def noisy(w, h):
    im = Image.new("RGB", (w, h))
    im.putdata([((x * 3 + (x * y * 7919 >> 3) % 61) & 255, (y * 5 + (x * 31 ^ y * 17) % 90) & 255, ((x * 5 + y * 3) ^ (x * y >> 2)) & 255) for y in range(h) for x in range(w)])
    return im


jpeg("pil-422", smooth(33, 21), quality=85, subsampling=1)
jpeg("pil-big-420", noisy(83, 70), quality=97, subsampling=2)
jpeg("pil-thin", noisy(3, 37), quality=90, subsampling=2)


def with_restarts(b):
    """Puts a restart interval of one row of units into a file, and codes it again by libjpeg's own tool."""
    return subprocess.run(["jpegtran", "-restart", "3B"], input=b, stdout=subprocess.PIPE, check=True).stdout


jpeg("pil-restarts", noisy(83, 45), with_restarts, quality=90, subsampling=2)


def turned(b):
    """A quarter turn without decoding: 4:2:2 becomes 4:4:0."""
    return subprocess.run(["jpegtran", "-rotate", "90"], input=b, stdout=subprocess.PIPE, check=True).stdout


def sampled(name, im, factors):
    """A sampling that Pillow does not write."""
    stream = io.BytesIO()
    im.save(stream, "PPM")
    with open(OUT + name + ".jpg", "wb") as f:
        f.write(subprocess.run(["cjpeg", "-quality", "90", "-sample", factors], input=stream.getvalue(), stdout=subprocess.PIPE, check=True).stdout)
    with open(OUT + name + ".rgb", "wb") as f:
        f.write(Image.open(OUT + name + ".jpg").convert("RGB").tobytes())


jpeg("pil-440", noisy(70, 83), turned, quality=90, subsampling=1)
sampled("pil-uneven", noisy(83, 45), "2x2,1x1,2x1")
sampled("pil-410", noisy(150, 45), "4x2")
