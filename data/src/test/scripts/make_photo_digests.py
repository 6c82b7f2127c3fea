#!/usr/bin/env python3
"""Writes what Pillow makes of ../shared/data/photos.tar (PhotosTest): run as make_photo_digests.py PHOTOS.TAR > ../resources/pil-photos.txt; written with Pillow 9.4.0.

A line: the file's name, the CRC-32 of the decoded RGB pixels, and of torchvision's Resize(256) and CenterCrop(224) of them (bilinear).
"""
import io
import sys
import tarfile
import zlib
from PIL import Image

with tarfile.open(sys.argv[1]) as tar:
    for member in sorted((m for m in tar if m.isfile() and m.name.lower().endswith((".jpg", ".jpeg", ".png"))), key=lambda m: m.name):
        image = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
        w, h = image.size
        size = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
        small = image.resize(size, Image.BILINEAR)
        left, top = int(round((size[0] - 224) / 2.0)), int(round((size[1] - 224) / 2.0))
        print(member.name.split("/")[-1], "%08x" % zlib.crc32(image.tobytes()), "%08x" % zlib.crc32(small.crop((left, top, left + 224, top + 224)).tobytes()))
