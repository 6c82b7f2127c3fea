#!/usr/bin/env python3
"""What `./jacquard data bench --compare` measures against: torchvision's transforms with Pillow, in a DataLoader.

    torchvision_pipeline.py photos.tar [--workers 2] [--batch 64] [--size 224] [--seconds 10]      prints images/s of each pipeline
    torchvision_pipeline.py photos.tar --serve                                                       answers questions, a line each

Questions: `time PIPELINE SECONDS` (ok images seconds), `stage NAME SECONDS` (ok images seconds; one thread, this process). A pipeline is
decode, RandomResizedCrop, flip, for `autoaugment` AutoAugment(IMAGENET), for `randaugment` RandAugment(2, 9), then PILToTensor and batches of
bytes. Encoded files are held in memory. A DataLoader's workers stay; its epoch has as many batches as the time asked for takes, a multiple of the
workers, and is timed from the first request to the last batch. Debian: python3-torchvision, python3-pil.
"""
import argparse
import io
import sys
import tarfile
import time

import PIL
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

PIPELINES = ("crop", "autoaugment", "randaugment")
STAGES = ("decode", "resize", "autoaugment", "randaugment")


def encoded(path):
    with tarfile.open(path) as tar:
        members = [m for m in tar if m.isfile() and m.name.lower().endswith((".jpeg", ".jpg", ".png"))]
        return [tar.extractfile(m).read() for m in members]


def decode(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def augmentation(name):
    return {"crop": [], "autoaugment": [T.AutoAugment(T.AutoAugmentPolicy.IMAGENET)], "randaugment": [T.RandAugment(2, 9)]}[name]


class Photos(Dataset):
    def __init__(self, files, pipeline, size):
        self.files = files
        self.transform = T.Compose([T.RandomResizedCrop(size), T.RandomHorizontalFlip(), *augmentation(pipeline), T.PILToTensor()])
        self.length = 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return self.transform(decode(self.files[index % len(self.files)])), index % len(self.files)


class Pipelines:
    def __init__(self, options):
        self.options = options
        self.files = encoded(options.data)
        self.made = {}

    def loader(self, pipeline):
        if pipeline not in self.made:
            o = self.options
            data = Photos(self.files, pipeline, o.size)
            data.length = 1 << 30
            # Workers have a copy of the dataset; which samples an epoch has is the sampler's say alone.
            sampler = Epoch(o.batch * o.workers * 2)
            loader = DataLoader(data, batch_size=o.batch, sampler=sampler, num_workers=o.workers, persistent_workers=True)
            self.made[pipeline] = loader, sampler
            run(loader)  # starts the workers
        return self.made[pipeline]

    def time(self, pipeline, seconds):
        loader, sampler = self.loader(pipeline)
        step = self.options.batch * self.options.workers
        sampler.length = 2 * step
        images, took = run(loader)
        sampler.length = max(round(seconds * images / took / step), 1) * step
        return run(loader)

    def stage(self, name, seconds):
        if name == "decode":
            work, inputs = decode, self.files
        else:
            inputs = [decode(f) for f in self.files[:48]]
            if name == "resize":
                work = T.Compose([T.RandomResizedCrop(self.options.size), T.RandomHorizontalFlip()])
            else:
                inputs = [T.RandomResizedCrop(self.options.size)(i) for i in inputs]
                work = augmentation(name)[0]
        images, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            work(inputs[images % len(inputs)])
            images += 1
        return images, time.perf_counter() - start


class Epoch(torch.utils.data.Sampler):
    def __init__(self, length):
        self.length = length

    def __iter__(self):
        return iter(range(self.length))

    def __len__(self):
        return self.length


def run(loader):
    images, start = 0, time.perf_counter()
    for pixels, _ in loader:
        images += pixels.shape[0]
    return images, time.perf_counter() - start


def serve(pipelines):
    print(f"ok torchvision {torchvision.__version__} pillow {PIL.__version__}", flush=True)
    for line in sys.stdin:
        try:
            verb, name, seconds = line.split()
            images, took = {"time": pipelines.time, "stage": pipelines.stage}[verb](name, float(seconds))
            print(f"ok {images} {took:.4f}", flush=True)
        except Exception as e:
            print("no", repr(e).replace("\n", " "), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    pipelines = Pipelines(options)
    if options.serve:
        serve(pipelines)
        return
    for name in STAGES:
        images, took = pipelines.stage(name, 1)
        print(f"{name + ', one thread':24} {images / took:8.1f} images/s")
    for name in PIPELINES:
        images, took = pipelines.time(name, options.seconds)
        print(f"{name + f', {options.workers} workers':24} {images / took:8.1f} images/s")


if __name__ == "__main__":
    main()
