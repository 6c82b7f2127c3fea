"""Makes optimizers.csv and schedules.csv, what OptimizerReferenceTest and ScheduleReferenceTest compare with: PyTorch's optimizers and schedulers, and for what PyTorch
has not (Keras, TensorFlow, Paddle, NVIDIA's own schedules) the formulas as those systems document them, all in float64.

    python3 make_optimizer_reference.py      # needs torch 1.13 or later and numpy; writes beside ../resources
"""
import math
import os
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resources", "dev", "jacquard", "layers")
N, STEPS, KEPT = 5, 50, (1, 2, 10, 25, 50)
START = np.array([0.5, -1.0, 2.0, 0.125, -0.25])


def gradient(t):
    """Of step t, from 1: five elements of very different sizes."""
    i = np.arange(N)
    return np.sin(0.37 * t * (i + 1)) * 10.0 ** (i - 2)


def rate(t):
    """Changes at every step, so that it matters whether the rate is inside of the buffer."""
    return 0.05 * (1 + 0.5 * math.cos(0.2 * t))


class Torch:
    """One of torch.optim's; slots under their names there."""

    def __init__(self, make, *slots):
        self.w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
        self.optimizer = make([self.w])
        self.slots = slots

    def step(self, g, lr, t):
        self.w.grad = torch.tensor(g)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()

    def states(self):
        s = self.optimizer.state[self.w]
        return [self.w.detach().numpy().copy()] + [s[name].numpy().copy() for name in self.slots]


class Numpy:
    """A formula: takes the states, a gradient, a rate and t; gives the new states."""

    def __init__(self, slots, formula):
        self.all = [START.copy()] + [np.zeros(N) for _ in range(slots)]
        self.formula = formula

    def step(self, g, lr, t):
        self.all = list(self.formula(*self.all, g, lr))

    def states(self):
        return [x.copy() for x in self.all]


def keras(m, nesterov, wd):
    def f(w, v, g, lr):
        g = g + wd * w
        v = m * v - lr * g
        return (w + m * v - lr * g if nesterov else w + v), v
    return f


def paddle(m, nesterov, wd):
    def f(w, v, g, lr):
        g = g + wd * w
        v = m * v + g
        return (w - lr * (g + m * v) if nesterov else w - lr * v), v
    return f


def tf_rmsprop(r, m, eps, wd):
    def f(w, s, b, g, lr):
        g = g + wd * w
        s = r * s + (1 - r) * g * g
        b = m * b + lr * g / np.sqrt(s + eps)
        return w - b, s, b
    return f


O = torch.optim
OPTIMIZERS = {
    "sgd": lambda: Torch(lambda p: O.SGD(p, 1)),
    "sgd decay": lambda: Torch(lambda p: O.SGD(p, 1, weight_decay=0.01)),
    "momentum": lambda: Torch(lambda p: O.SGD(p, 1, momentum=0.875), "momentum_buffer"),
    "momentum decay": lambda: Torch(lambda p: O.SGD(p, 1, momentum=0.9, weight_decay=0.01), "momentum_buffer"),
    "momentum nesterov": lambda: Torch(lambda p: O.SGD(p, 1, momentum=0.9, weight_decay=0.01, nesterov=True), "momentum_buffer"),
    "rmsprop": lambda: Torch(lambda p: O.RMSprop(p, 1, alpha=0.9, eps=0.01, momentum=0.9, weight_decay=1e-5), "square_avg", "momentum_buffer"),
    "rmsprop qat": lambda: Torch(lambda p: O.RMSprop(p, 1, alpha=0.853, eps=0.00422, momentum=0.5), "square_avg", "momentum_buffer"),
    "adam": lambda: Torch(lambda p: O.Adam(p, 1, betas=(0.9, 0.999), eps=1e-8), "exp_avg", "exp_avg_sq"),
    "adam decay": lambda: Torch(lambda p: O.Adam(p, 1, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.02), "exp_avg", "exp_avg_sq"),
    "adamw": lambda: Torch(lambda p: O.AdamW(p, 1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05), "exp_avg", "exp_avg_sq"),
    "keras": lambda: Numpy(1, keras(0.9, False, 0)),
    "keras decay": lambda: Numpy(1, keras(0.875, False, 0.01)),
    "keras nesterov": lambda: Numpy(1, keras(0.9, True, 0.01)),
    "paddle": lambda: Numpy(1, paddle(0.875, False, 2.0 ** -15)),
    "paddle nesterov": lambda: Numpy(1, paddle(0.9, True, 0.01)),
    "rmsprop tensorflow": lambda: Numpy(2, tf_rmsprop(0.9, 0.9, 0.001, 1e-5)),
}

# How a moving average follows w, and its t in the first step.
AVERAGES = {
    "pytorch": (0, lambda mu, ema, x: mu * ema + (1 - mu) * x),
    "tensorflow": (1, lambda d, ema, x: ema - (1 - d) * (ema - x)),
}


def run(name, out):
    o = OPTIMIZERS[name]()
    averages = {k: START.copy() for k in AVERAGES}
    for t in range(1, STEPS + 1):
        o.step(gradient(t), rate(t), t)
        states = o.states()
        for k, (first, f) in AVERAGES.items():
            s = t - 1 + first
            averages[k] = f(min(0.9, (1 + s) / (10 + s)), averages[k], states[0])
        if t in KEPT:
            rows = [(str(i), x) for i, x in enumerate(states)] + [("ema " + k, a) for k, a in averages.items()]
            for what, x in rows:
                out.write(",".join([name, str(t), what] + [repr(float(v)) for v in x]) + "\n")


def clipping(out):
    for size in (0.5, 3.0):
        parts = [size * START, size * np.array([[1.0, -2.0], [0.25, 4.0]])]
        for form in ("pytorch", "tensorflow"):
            if form == "pytorch":
                tensors = [torch.nn.Parameter(torch.zeros(p.shape, dtype=torch.float64)) for p in parts]
                for x, p in zip(tensors, parts):
                    x.grad = torch.tensor(p)
                norm = float(torch.nn.utils.clip_grad_norm_(tensors, 4.0))
                clipped = [x.grad.numpy() for x in tensors]
            else:
                norm = math.sqrt(sum(float((p * p).sum()) for p in parts))
                clipped = [p * 4.0 / max(norm, 4.0) for p in parts]
            for i, p in enumerate(clipped):
                out.write(",".join(["clip " + form, repr(size), str(i)] + [repr(float(v)) for v in p.ravel()]) + "\n")
            out.write(",".join(["clip " + form, repr(size), "norm", repr(norm)]) + "\n")


def of_torch(make, epochs, per_epoch):
    """A torch scheduler, stepped once per epoch."""
    o = O.SGD([torch.zeros(1, requires_grad=True)], lr=1.6)
    s = make(o)
    rates = []
    for _ in range(epochs):
        rates += [o.param_groups[0]["lr"]] * per_epoch
        o.step()
        s.step()
    return rates


def nvidia_pytorch(after, base, w, epochs, per_epoch):
    return [base * (e + 1) / w if e < w else after(e) for e in range(epochs) for _ in range(per_epoch)]


def tensorflow(after, base, w, epochs, per_epoch):
    tw = w * per_epoch
    return [base * t / tw if t < tw else after(t - tw) for t in range(epochs * per_epoch)]


def paddle_cosine(base, start, w, epochs, per_epoch):
    tw = round(w * per_epoch)
    total = (epochs - w) * per_epoch
    return [(base - start) * t / tw + start if t < tw else 0.5 * base * (1 + math.cos(math.pi * (t - tw) / total)) for t in range(epochs * per_epoch)]


def ours_cosine(base, end, w, epochs, per_epoch):
    tw, total = round(w * per_epoch), epochs * per_epoch
    return [base * (t + 1) / tw if t < tw else end + 0.5 * (base - end) * (1 + math.cos(math.pi * (t - tw) / (total - tw))) for t in range(total)]


def piecewise(base, w, boundaries, multipliers, epochs, per_epoch):
    """TensorFlow's: warm-up and boundaries both from the beginning, a boundary belongs to what is before it."""
    tw = w * per_epoch
    return [base * t / tw if t < tw else base * multipliers[sum(t > b * per_epoch for b in boundaries)] for t in range(epochs * per_epoch)]


L = torch.optim.lr_scheduler
SCHEDULES = {
    "torch multistep": lambda: of_torch(lambda o: L.MultiStepLR(o, [30, 60, 80], 0.1), 90, 2),
    "torch cosine": lambda: of_torch(lambda o: L.CosineAnnealingLR(o, 50, eta_min=0.02), 50, 3),
    "torch linear": lambda: of_torch(lambda o: L.LinearLR(o, 1.0, 1e-12, 50), 50, 3),
    "torch staircase": lambda: of_torch(lambda o: L.StepLR(o, 3, 0.97), 50, 2),
    "nvidia step": lambda: nvidia_pytorch(lambda e: 0.256 * 0.1 ** sum(e >= s for s in (30, 60, 80)), 0.256, 5, 90, 2),
    "nvidia linear": lambda: nvidia_pytorch(lambda e: 2.048 * (1 - (e - 8) / 42), 2.048, 8, 50, 3),
    "nvidia cosine": lambda: nvidia_pytorch(lambda e: 0.01 + 0.5 * (1 + math.cos(math.pi * (e - 16) / 384)) * (0.08 - 0.01), 0.08, 16, 400, 1),
    "nvidia exponential": lambda: nvidia_pytorch(lambda e: 1.024 * 0.9 ** ((e - 8) // 3), 1.024, 8, 60, 2),
    "tensorflow cosine": lambda: tensorflow(lambda t: 0.5 * 0.32 * (1 + math.cos(math.pi * min(t, 450) / 450)), 0.32, 5, 50, 10),
    "tensorflow staircase": lambda: tensorflow(lambda t: 0.128 * 0.97 ** math.floor(t / (2.4 * 10)), 0.128, 5, 50, 10),
    "tensorflow linear cosine": lambda: tensorflow(lambda t: 0.16 * ((1 - t / 450) * 0.5 * (1 + math.cos(math.pi * t / 450)) + 0.001), 0.16, 5, 50, 10),
    "tensorflow piecewise": lambda: piecewise(0.1 * 512 / 256, 5, (30, 60, 80), (1, 0.1, 0.01, 0.001), 90, 4),
    "paddle cosine": lambda: paddle_cosine(2.048, 0.1, 5, 50, 7),
    "ours cosine": lambda: ours_cosine(0.8, 0.01, 1.5, 20, 9),
}


def main():
    with open(os.path.join(OUT, "optimizers.csv"), "w") as out:
        out.write("# made by make_optimizer_reference.py: case, step, state (0 is w, then slots), values of five elements\n")
        for name in OPTIMIZERS:
            run(name, out)
        clipping(out)
    with open(os.path.join(OUT, "schedules.csv"), "w") as out:
        out.write("# made by make_optimizer_reference.py: case, learning rates of all steps\n")
        for name, make in SCHEDULES.items():
            out.write(",".join([name] + [repr(float(x)) for x in make()]) + "\n")


main()
