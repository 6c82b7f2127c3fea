#!/usr/bin/env python3
"""Convolutions in PyTorch, channels-last, for bench/conv-sweep: answers questions on standard input, a line each (dev.jacquard.bench.TorchConvolutions).

  conv_worker.py THREADS

Needs torch, such as Debian's python3-torch. Gradients of images and of weights are asked of autograd one at a time.
"""
import sys
import time

import torch
import torch.nn.functional as F

from answers import serve


class Convolution:
    def __init__(self, n, h, w, c, k, r, s, sh, sw, top, left, dh, dw, groups):
        def images(*shape):
            return torch.rand(*shape).mul_(2).sub_(1).to(memory_format=torch.channels_last)

        self.x = images(n, c, h, w)
        self.w = images(k, c // groups, r, s)
        self.how = dict(stride=(sh, sw), padding=(top, left), dilation=(dh, dw), groups=groups)
        self.gx, self.gw = self.x.detach().requires_grad_(), self.w.detach().requires_grad_()
        self.of_x, self.of_w = F.conv2d(self.gx, self.w, **self.how), F.conv2d(self.x, self.gw, **self.how)
        self.dy = images(*self.of_x.shape)
        for what in ("forward", "data", "weight"):
            self.run(what)

    def run(self, what):
        if what == "forward":
            with torch.inference_mode():
                return F.conv2d(self.x, self.w, **self.how)
        y, by = (self.of_x, self.gx) if what == "data" else (self.of_w, self.gw)
        return torch.autograd.grad(y, by, self.dy, retain_graph=True)

    def time(self, what, seconds):
        ms, begin = [], time.perf_counter()
        while True:
            start = time.perf_counter()
            self.run(what)
            now = time.perf_counter()
            ms.append((now - start) * 1e3)
            if now - begin >= seconds:
                return " ".join("%.5f" % t for t in ms)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(int(sys.argv[1]))
    known = {}
    serve({"prepare": lambda id, *numbers: known.update({id: Convolution(*map(int, numbers))}),
           "time": lambda id, what, seconds: known[id].time(what, float(seconds))})


if __name__ == "__main__":
    main()
