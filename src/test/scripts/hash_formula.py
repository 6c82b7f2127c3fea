"""Weights, inputs and labels from a hash: the same numbers in Python and in Java, with no random generator.

The formula, exactly. All integers are 64-bit and wrap; all real arithmetic is IEEE double in the order written (no
fused multiply-add); a value is rounded once, at the end, to float32 (round to nearest even, Java's `(float)` cast).

    seed(name)   FNV-1a-64 over the UTF-8 bytes of name:
                 h = 0xCBF29CE484222325; for each byte b (0..255): h ^= b; h *= 0x00000100000001B3
    z(name, i)   the splitmix64 finaliser, for the flat index i = 0, 1, 2, ...:
                 z = seed(name) + i * 0x9E3779B97F4A7C15
                 z ^= z >>> 30; z *= 0xBF58476D1CE4E5B9
                 z ^= z >>> 27; z *= 0x94D049BB133111EB
                 z ^= z >>> 31
    u(name, i)   (z >>> 40) * 2^-24          in [0, 1), exact in double
    s(name, i)   2 * u - 1                   in [-1, 1), exact in double

Parameters and buffers. name is torchvision's state-dict name ("layer1.0.conv1.weight"), i is the row-major flat index
in torchvision's own layout: (out, in, kh, kw) for a convolution, (out, in) for the linear layer. The first rule that
applies is the one:

    name ends with "num_batches_tracked"   int64 scalar 0
    name ends with "running_var"           (float) (1.0 + 0.5 * u)
    name == "fc.weight"                    (float) (s * (0.25 * sqrt(6.0 / fan_in)))     fan_in = in
    name == "fc.bias"                      (float) (0.05 * s)
    rank 4 (convolution)                   (float) (s * sqrt(6.0 / fan_in))              fan_in = in * kh * kw
    name ends with "bn3.weight"            (float) (0.3 + 0.2 * s)
    name ends with "weight" (other norms)  (float) (1.0 + 0.2 * s)
    name == "bn1.bias" (the stem's)        (float) (-1.5 + 0.5 * s)
    name ends with "bn3.bias"              (float) (0.2 * s)
    name ends with "bias" (other norms)    (float) (2.5 + 0.5 * s)
    name == "bn1.running_mean", or
    name ends with "bn3.running_mean"      (float) (0.1 * s)
    otherwise (other running means)        (float) (2.5 + 0.1 * s)

Why these numbers: a ReLU input within rounding error of zero is switched differently by two correct programs, and one
such flip moves a gradient by 1e-3 and sends two training runs apart. The bias of 2.5 keeps training-mode ReLU inputs
(unit variance) mostly away from zero, about 1 % are cut; the running mean of 2.5 takes the same shift out in
evaluation mode, where about a third is cut and flips do no harm. The stem's bias is negative because otherwise max
pooling hides every cut and the gradient of "bn1.bias" is exactly zero (the norms behind the next 1x1 convolutions take
out any shift). The small scale of "bn3", the last norm of a bottleneck, keeps residual sums bounded. A basic
block (ResNet-18) has no "bn3"; its "bn2" follows the rule of the other norms.

Everything else:

    image batch k, x[n, c, h, w]    (float) (1.5 * s("input.<k>", i))       i row-major in (N, C, H, W)
    label of image n of batch k     (int) (u("labels.<k>", n) * classes)    truncated
    probe vector of parameter p     s("probe." + p, i), kept in double
    sampled flat index j of p       (int) (u("index." + p, j) * numel)      truncated, j = 0..7, may repeat
"""

import numpy as np

_MASK = (1 << 64) - 1


def seed(name):
    """FNV-1a-64 of the UTF-8 bytes of name, as a Python int in [0, 2^64)."""
    h = 0xCBF29CE484222325
    for b in name.encode("utf-8"):
        h = ((h ^ b) * 0x00000100000001B3) & _MASK
    return h


def z(name, n):
    """The first n hash words of name: uint64 (n,)."""
    x = np.arange(n, dtype=np.uint64)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64(seed(name))
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def u(name, n):
    """The first n values of u(name, i): float64 (n,), in [0, 1)."""
    return (z(name, n) >> np.uint64(40)).astype(np.float64) * 2.0 ** -24


def s(name, n):
    """The first n values of s(name, i) = 2u - 1: float64 (n,), in [-1, 1)."""
    return 2.0 * u(name, n) - 1.0


def parameter(name, shape):
    """One entry of a ResNet's state dict: float32 of the given shape, or an int64 scalar for a batch counter."""
    n = int(np.prod(shape, dtype=np.int64))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        v = 1.0 + 0.5 * u(name, n)
    elif name == "fc.weight":
        v = s(name, n) * (0.25 * np.sqrt(6.0 / shape[1]))
    elif name == "fc.bias":
        v = 0.05 * s(name, n)
    elif len(shape) == 4:
        v = s(name, n) * np.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    elif name.endswith("bn3.weight"):
        v = 0.3 + 0.2 * s(name, n)
    elif name.endswith("weight"):
        v = 1.0 + 0.2 * s(name, n)
    elif name == "bn1.bias":
        v = -1.5 + 0.5 * s(name, n)
    elif name.endswith("bn3.bias"):
        v = 0.2 * s(name, n)
    elif name.endswith("bias"):
        v = 2.5 + 0.5 * s(name, n)
    elif name == "bn1.running_mean" or name.endswith("bn3.running_mean"):
        v = 0.1 * s(name, n)
    else:
        v = 2.5 + 0.1 * s(name, n)
    return v.astype(np.float32).reshape(shape)


def images(batch, shape):
    """Image batch number `batch`: float32 (N, C, H, W)."""
    return (1.5 * s(f"input.{batch}", int(np.prod(shape)))).astype(np.float32).reshape(shape)


def labels(batch, n, classes):
    """Labels of image batch number `batch`: int64 (n,), in [0, classes)."""
    return (u(f"labels.{batch}", n) * classes).astype(np.int64)


def sampled(name, numel, count=8):
    """The flat indices at which the elements of parameter `name` are recorded: int64 (count,)."""
    return (u("index." + name, count) * numel).astype(np.int64)
