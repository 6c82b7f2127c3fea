"""The networks that torchvision lacks, small, for the reference values of the families: names as in its state dicts.

`resnext` is torchvision's own class with other numbers; `se_resnext` adds a gate to its bottleneck. `efficientnet` is
written out because torchvision has neither the wide gate nor TensorFlow's padding; `make_family_reference.py` checks
that with torchvision's settings it computes what torchvision computes.
"""

import functools
import math

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet

STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
          (3, 1, 6, 320, 1))  # kernel, stride, expand, out, repeats: Tan and Le 2019, table 1
COEFFICIENTS = {"b0": (1.0, 1.0), "b4": (1.4, 1.8)}  # width, depth


class LinearGate(nn.Module):
    """Hu et al. 2018 with linear layers, as NVIDIA's network has it: ReLU, sigmoid, biases."""

    def __init__(self, channels, units):
        super().__init__()
        self.squeeze = nn.Linear(channels, units)
        self.expand = nn.Linear(units, channels)

    def forward(self, x):
        gate = torch.sigmoid(self.expand(functional.relu(self.squeeze(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class GatedBottleneck(resnet.Bottleneck):
    """The bottleneck with a gate after its last norm and before the sum. units: of its channels."""

    def __init__(self, inplanes, planes, *args, units, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.squeeze = LinearGate(planes * self.expansion, units(planes * self.expansion))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.squeeze(self.bn3(self.conv3(y)))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def resnext101():
    """ResNeXt101-32x4d; torchvision has the 32x8d only."""
    return resnet.ResNet(resnet.Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4)


def se_resnext101(units):
    """SE-ResNeXt101-32x4d. units: width of a gate for its number of channels, `lambda c: 16` or `lambda c: c // 16`."""
    block = type("Block", (GatedBottleneck,), {"__init__": functools.partialmethod(GatedBottleneck.__init__, units=units)})
    return resnet.ResNet(block, [3, 4, 23, 3], groups=32, width_per_group=4)


class SameConv2d(nn.Conv2d):
    """TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel of padding at the bottom and right."""

    def forward(self, x):
        pads = []
        for axis in (3, 2):
            size, k, s = x.shape[axis], self.kernel_size[axis - 2], self.stride[axis - 2]
            total = max((math.ceil(size / s) - 1) * s + k - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(functional.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class ConvolutionGate(nn.Module):
    """The gate of an inverted residual block: 1x1 convolutions, SiLU, sigmoid, biases."""

    def __init__(self, channels, units):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, units, 1)
        self.fc2 = nn.Conv2d(units, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(functional.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


class InvertedResidual(nn.Module):
    """MBConv without stochastic depth."""

    def __init__(self, conv, kernel, stride, expand, inside, outside, units):
        super().__init__()
        hidden = inside * expand
        parts = [conv(inside, hidden, 1, 1, 1, True)] if expand != 1 else []
        parts += [conv(hidden, hidden, kernel, stride, hidden, True), ConvolutionGate(hidden, units),
                  conv(hidden, outside, 1, 1, 1, False)]
        self.block = nn.Sequential(*parts)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x):
        return self.block(x) + x if self.shortcut else self.block(x)


class EfficientNet(nn.Module):
    """EfficientNet without dropout. wide: a gate's width is a quarter of the hidden channels, not of the input's."""

    def __init__(self, name, wide=False, same=False, eps=1e-3, momentum=0.01):
        super().__init__()
        width, depth = COEFFICIENTS[name]

        def channels(c):
            rounded = max(8, int(c * width + 4) // 8 * 8)
            return rounded + 8 if rounded < 0.9 * c * width else rounded

        def conv(inside, outside, kernel, stride, groups, activation):
            cls, pad = (SameConv2d, 0) if same else (nn.Conv2d, (kernel - 1) // 2)
            parts = [cls(inside, outside, kernel, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(outside, eps, momentum)]
            return nn.Sequential(*parts, *([nn.SiLU()] if activation else []))

        inside = channels(32)
        features = [conv(3, inside, 3, 2, 1, True)]
        for kernel, stride, expand, out, repeats in STAGES:
            blocks = []
            for _ in range(math.ceil(repeats * depth)):
                units = max(1, int(0.25 * (inside * expand if wide else inside)))
                blocks.append(InvertedResidual(conv, kernel, 1 if blocks else stride, expand, inside, channels(out), units))
                inside = channels(out)
            features.append(nn.Sequential(*blocks))
        features.append(conv(inside, channels(1280), 1, 1, 1, True))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(channels(1280), 1000))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))
