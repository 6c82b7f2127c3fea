#!/usr/bin/env python3
"""Makes the fixture of AgreementTest: run in this folder with Pillow (written with 9.4.0) and NumPy; argument: photos.tar of shared/data.

agreement.txt: a line "photo NAME CRC" for each of twenty photographs, the check sum of what of it is used, its middle of at most 224 x 200 pixels. Then a line
"ARITHMETIC OUTSIDE OPERATION LEVEL CRC CRC" for each case (a negative level is the other direction): the check sums of the results on three pictures that the test makes itself, and
on the photographs, one after the other. Check sums are CRC-32 of (height, width, 3) bytes. Translations are of 250 pixels at level 10. What Pillow's results are, Pillow
computes; what the TensorFlow program's are, the transcription of make_augment_fixture.py.
"""
import io
import sys
import tarfile
import zlib
import numpy as np
from PIL import Image
from make_augment_fixture import DIRECTED, NAMES, PLAIN, pillow, tensorflow

OUT = "../resources/agreement.txt"
NTH = 7  # of the tar's images


def pattern(w, h):
    x, y, c = np.meshgrid(np.arange(w), np.arange(h), np.arange(3))
    return (((x * 37 + y * 91 + c * 53) ^ (x * y * 7)) & 255).astype(np.uint8)


def smooth(w, h):
    x, y = np.meshgrid(np.arange(w), np.arange(h))
    return np.stack([30 + x * 150 // w, 220 - y * 180 // h, (x * 5 + y * 3) // 4 % 256], 2).astype(np.uint8)


def middle(p):
    h, w = p.shape[:2]
    cw, ch = min(w, 224), min(h, 200)
    return p[(h - ch) // 2:(h - ch) // 2 + ch, (w - cw) // 2:(w - cw) // 2 + cw]


def photos(tar):
    with tarfile.open(tar) as t:
        entries = sorted((e for e in t if e.isfile() and e.name.endswith(".JPEG")), key=lambda e: e.name)
        for e in entries[NTH // 2::NTH]:
            yield e.name, middle(np.array(Image.open(io.BytesIO(t.extractfile(e).read())).convert("RGB")))


def check(pictures):
    crc = 0
    for p in pictures:
        crc = zlib.crc32(np.ascontiguousarray(p, np.uint8).tobytes(), crc)
    return "%08x" % crc


def cases():
    for name in NAMES:
        if name != "cutout":
            for arithmetic, more in (("pillow", []), ("tensorflow", [15, 20])):  # RandAugment goes further; what posterize does above 22 is not defined
                for outside in ("fill", "reflect") if arithmetic == "tensorflow" and name in DIRECTED else ("fill",):
                    for level in (5,) if name in PLAIN else [*range(11)] + more:
                        for sign in (1, -1) if name in DIRECTED and level else (1,):
                            yield arithmetic, outside, name, sign * level


made = [pattern(224, 200), smooth(224, 200), smooth(61, 97)]
taken = list(photos(sys.argv[1]))
with open(OUT, "w") as f:
    for name, p in taken:
        f.write("photo %s %s\n" % (name, check([p])))
    for arithmetic, outside, name, level in cases():
        function = pillow if arithmetic == "pillow" else tensorflow
        sums = [check(function(name, p, float(level), 250.0, 0.0, 0, 0, outside == "reflect") for p in ps) for ps in (made, [p for _, p in taken])]
        f.write(" ".join([arithmetic, outside, name if name != "autocontrast" else "auto_contrast", str(level)] + sums).upper() + "\n")
print(len(taken), "photographs")
