#!/usr/bin/env python3
"""PyTorch in channels-last as an engine of bench/peers: answers questions on standard input, a line each (dev.jacquard.bench.peers.Engine says which).

  torch_worker.py THREADS

One question more: `script NETWORK PIXELS FOLDER` writes the network in evaluation as TorchScript, FOLDER/model.pt, with its normalisations folded into convolutions.

Needs torch and torchvision, such as Debian's python3-torch and python3-torchvision. The networks are those of bench/gpu/pytorch_worker.py.
"""
import array
import json
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F

THREADS = int(sys.argv[1])
sys.argv[1:] = ["cpu"]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../gpu"))
import pytorch_worker  # noqa: E402
from answers import serve  # noqa: E402

LEARNING_RATE, MOMENTUM = 1e-3, 0.9  # dev.jacquard.bench.peers.Piece


def tensors(folder):
    """The tensors of weights.safetensors in the order of its header, and its metadata."""
    with open(os.path.join(folder, "weights.safetensors"), "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    meta = header.pop("__metadata__", {})
    return [torch.frombuffer(data, dtype=torch.float32, count=(t["data_offsets"][1] - t["data_offsets"][0]) // 4, offset=t["data_offsets"][0]).reshape(t["shape"]) for t in header.values()], meta


def floats(folder, name, count):
    values = array.array("f")
    with open(os.path.join(folder, name), "rb") as f:
        values.fromfile(f, count)
    return torch.tensor(values)


def network(name, folder):
    """A network with the folder's weights, without anything random. Tensors are in one order everywhere; shapes are compared."""
    model = pytorch_worker.build(name)
    values, meta = tensors(folder)
    own = [t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")]
    assert [t.shape for t in own] == [t.shape for t in values], "the network has other tensors than the file"
    with torch.no_grad():
        for t, v in zip(own, values):
            t.copy_(v)
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.eps = float(meta["norm_eps"])
        elif type(m).__name__ in ("Dropout", "StochasticDepth"):
            m.p = 0.0
    return model


class Engine:
    def prepare(self, work, name, batch, px, folder):
        batch, px = int(batch), int(px)
        self.model = network(name, folder).to(memory_format=torch.channels_last).train(work == "train")
        self.images = floats(folder, "images.f32", batch * 3 * px * px).reshape(batch, 3, px, px)
        self.labels = floats(folder, "labels.f32", batch).long()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM) if work == "train" else None

    def call(self):
        x = self.images.contiguous(memory_format=torch.channels_last)
        if self.optimizer is None:
            with torch.inference_mode():
                self.answer = self.model(x)
            return
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(x), self.labels)
        loss.backward()
        self.optimizer.step()
        self.answer = loss.detach()
        self.answer.item()

    def time(self, seconds, least):
        ms, begin = [], time.perf_counter()
        while len(ms) < least or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            self.call()
            ms.append((time.perf_counter() - start) * 1e3)
        return " ".join("%.4f" % t for t in ms)

    def write(self, path):
        with open(path, "wb") as f:
            array.array("f", self.answer.reshape(-1).tolist()).tofile(f)

    @staticmethod
    def script(name, px, folder):
        model = network(name, folder).eval()
        with torch.no_grad():
            traced = torch.jit.freeze(torch.jit.trace(model, torch.zeros(1, 3, int(px), int(px))))
        torch.jit.save(traced, os.path.join(folder, "model.pt"))


def main():
    torch.manual_seed(1)
    torch.set_num_threads(THREADS)
    engine = Engine()
    serve({"prepare": engine.prepare, "time": lambda seconds, least: engine.time(float(seconds), int(least)), "answer": engine.write, "script": engine.script})


if __name__ == "__main__":
    main()
