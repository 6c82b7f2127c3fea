"""Writes names.csv and the lists beside this script: names and shapes of tensors in the files of torchvision, timm and NVIDIA, as a test of the tables of Naming.

torchvision's come from the library (run with 0.14), the others are written down here from what the libraries' modules are called: timm's from timm/models/_efficientnet_blocks.py, efficientnet.py,
resnet.py and layers/squeeze_excite.py, NVIDIA's from PyTorch/Classification/ConvNets/image_classification/models of DeepLearningExamples. Each total of parameters is that of nvidia-systems.md 2.

A line of names.csv: naming, row, tensors without counters, parameters, SHA-256 of the sorted lines "name extent,extent,..". The lists of B0 are written out, to be read.
"""
import hashlib
import math
import os

import torchvision

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def norm(name, c):
    return [(f"{name}.{part}", (c,)) for part in ("weight", "bias", "running_mean", "running_var")]


def conv(name, k, c, r=1):
    return [(f"{name}.weight", (k, c, r, r))]


def biased(name, shape):
    return [(f"{name}.weight", shape), (f"{name}.bias", shape[:1])]


def resnext(stage, gate, units, width=128, counts=(3, 4, 23, 3)):
    """ResNeXt101-32x4d with gates: stage(i) names a stage, gate(path, channels, units) lists a gate, units(channels) says how wide it is."""
    out = conv("conv1", 64, 3, 7) + norm("bn1", 64)
    channels = 64
    for s, count in enumerate(counts):
        inner, outer = width << s, 2 * width << s
        for b in range(count):
            p = f"{stage(s)}.{b}"
            out += conv(p + ".conv1", inner, channels) + norm(p + ".bn1", inner) + conv(p + ".conv2", inner, inner // 32, 3) + norm(p + ".bn2", inner)
            out += conv(p + ".conv3", outer, inner) + norm(p + ".bn3", outer)
            if units:
                out += gate(p, outer, units(outer))
            if b == 0:
                out += conv(p + ".downsample.0", outer, channels) + norm(p + ".downsample.1", outer)
            channels = outer
    return out + biased("fc", (1000, channels))


def effnet(width, depth, wide, names):
    """EfficientNet: names(kind, stage, block, in, hidden, out, kernel, squeeze) lists the parts."""
    def w(c):
        r = max(8, int(c * width + 4) // 8 * 8)
        return r + 8 if r < 0.9 * c * width else r

    channels = w(32)
    out = names("stem", 0, 0, 3, 0, channels, 3, 0)
    for s, (k, e, c, n) in enumerate([(3, 1, 16, 1), (3, 6, 24, 2), (5, 6, 40, 2), (3, 6, 80, 3), (5, 6, 112, 3), (5, 6, 192, 4), (3, 6, 320, 1)]):
        for b in range(math.ceil(n * depth)):
            hidden = channels * e
            out += names("block", s, b, channels, hidden, w(c), k, max(1, int((hidden if wide else channels) * 0.25)))
            channels = w(c)
    return out + names("head", 0, 0, channels, 0, w(1280), 1, 0)


def timm(kind, s, b, i, h, o, k, q):
    if kind == "stem":
        return conv("conv_stem", o, i, k) + norm("bn1", o)
    if kind == "head":
        return conv("conv_head", o, i) + norm("bn2", o) + biased("classifier", (1000, o))
    p = f"blocks.{s}.{b}."
    se = biased(p + "se.conv_reduce", (q, h, 1, 1)) + biased(p + "se.conv_expand", (h, q, 1, 1))
    if i == h:  # DepthwiseSeparableConv
        return conv(p + "conv_dw", h, 1, k) + norm(p + "bn1", h) + se + conv(p + "conv_pw", o, h) + norm(p + "bn2", o)
    return conv(p + "conv_pw", h, i) + norm(p + "bn1", h) + conv(p + "conv_dw", h, 1, k) + norm(p + "bn2", h) + se + conv(p + "conv_pwl", o, h) + norm(p + "bn3", o)  # InvertedResidual


def nvidia(stage):
    def names(kind, s, b, i, h, o, k, q):
        if kind != "block":
            p = "stem" if kind == "stem" else "features"
            return conv(p + ".conv", o, i, k) + norm(p + ".bn", o) + ([] if kind == "stem" else biased("classifier.fc", (1000, o)))
        p = f"{stage(s)}.block{b}."
        expand = [] if i == h else conv(p + "expand.conv", h, i) + norm(p + "expand.bn", h)
        return (expand + conv(p + "depsep.conv", h, 1, k) + norm(p + "depsep.bn", h) + biased(p + "se.squeeze", (q, h)) + biased(p + "se.expand", (h, q))
                + conv(p + "proj.conv", o, h) + norm(p + "proj.bn", o))
    return names


def tv(net):
    return [(n, tuple(t.shape)) for n, t in net.state_dict().items() if not n.endswith("num_batches_tracked")]


SCALES = {"b0": (1.0, 1.0), "b4": (1.4, 1.8), "b7": (2.0, 3.1)}
lists = {}
for n in ("resnet18", "resnet34", "resnet50"):
    lists["torchvision", n] = tv(getattr(torchvision.models, n)())
lists["torchvision", "resnext101-32x4d"] = tv(torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4))
for b in range(8):
    lists["torchvision", f"efficientnet-b{b}"] = tv(getattr(torchvision.models, f"efficientnet_b{b}")())
linear = lambda p, c, u: biased(p + ".squeeze.squeeze", (u, c)) + biased(p + ".squeeze.expand", (c, u))
pixelwise = lambda p, c, u: biased(p + ".se.fc1", (u, c, 1, 1)) + biased(p + ".se.fc2", (c, u, 1, 1))
lists["timm", "resnext101-32x4d"] = resnext(lambda s: f"layer{s + 1}", None, None)
lists["timm", "se-resnext101-32x4d-c16"] = resnext(lambda s: f"layer{s + 1}", pixelwise, lambda c: c // 16)
lists["nvidia", "resnext101-32x4d"] = resnext(lambda s: f"layers.{s}", None, None)
lists["nvidia", "se-resnext101-32x4d"] = resnext(lambda s: f"layers.{s}", linear, lambda c: 16)
lists["nvidia-ngc", "se-resnext101-32x4d"] = resnext(lambda s: f"layer{s + 1}", linear, lambda c: 16)
for b, (w, d) in SCALES.items():
    lists["timm", "efficientnet-" + b] = effnet(w, d, False, timm)
    for wide in (False, True):
        row = ("efficientnet-widese-" if wide else "efficientnet-") + b
        lists["nvidia", row] = effnet(w, d, wide, nvidia(lambda s: f"layers.{s}"))
        lists["nvidia-ngc", row] = effnet(w, d, wide, nvidia(lambda s: f"layer{s + 1}"))

with open("names.csv", "w") as csv:
    csv.write("naming,row,tensors,parameters,sha256\n")
    for (naming, row), tensors in lists.items():
        lines = sorted(name + " " + ",".join(map(str, shape)) + "\n" for name, shape in tensors)
        parameters = sum(math.prod(shape) for name, shape in tensors if "running" not in name)
        csv.write(f"{naming},{row},{len(tensors)},{parameters},{hashlib.sha256(''.join(lines).encode()).hexdigest()}\n")
        if row == "efficientnet-b0" and naming in ("timm", "nvidia"):
            with open(f"names-{naming}-b0.txt", "w") as f:
                f.writelines(lines)
