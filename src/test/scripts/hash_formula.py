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
in torchvision's own layout: (out, in, kh, kw) for a convolution, (out, in) for the linear layer. Gates of ResNets, which
torchvision lacks, are named as in NVIDIA's network ("layer1.0.squeeze.squeeze.weight"). The first rule that applies is
the one; names that begin with "features." or "classifier." are an EfficientNet's and have a list of their own below:

    name contains ".squeeze.squeeze." or ".squeeze.expand.": the gate's rules, below

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

EfficientNets. A norm is "last" if its name contains ".block.3.1." or ".block.2.1." (the projection's), and "wide" if it
contains ".block.0.1." outside of "features.1." (an expansion's) or begins with "features.8.1." (the head's):

    name ends with "num_batches_tracked"   int64 scalar 0
    name contains ".fc1." or ".fc2.": the gate's rules, below
    name ends with "running_var", last     (float) (0.2 + 0.1 * u)
    name ends with "running_var", wide     (float) (1.5 + u)
    name ends with "running_var"           (float) (0.6 + 0.3 * u)
    rank 4 or 2 (convolution, linear)      (float) (s * sqrt(6.0 / fan_in))
    name == "classifier.1.bias"            (float) (0.05 * s)
    name ends with "weight", last, in the first block of a stage ("features.<stage>.0.")
                                           (float) (0.8 + 0.2 * s)
    name ends with "weight", last          (float) (0.25 + 0.2 * s)
    name ends with "weight"                (float) (1.0 + 0.2 * s)
    name ends with "bias"                  (float) (0.5 * s)
    otherwise (running means)              (float) (0.1 * s)

Gates; the first layer is "fc1" or "squeeze.squeeze", the second "fc2" or "squeeze.expand":

    first layer's weight                   (float) (s * sqrt(6.0 / in))
    second layer's weight                  (float) (s * (2.0 * sqrt(6.0 / in)))
    bias                                   (float) (0.5 * s)

Why these: SiLU has no kink, so nothing has to be kept away from zero. What has to hold is that activations stay of order
one without batch statistics, too, at every size. The running variances are therefore what the convolutions before them
are found to give (expansions read a sum of branches, projections a gated input of about a quarter of the variance), and
the branches that are added to something are damped: without that, the 25 shortcuts of B4 reach 1e9. Standard deviations
of the logits are 0.5 to 0.7 for B0 and 2 to 12 for B4 in evaluation mode. The second layer of a gate has the wider
range because gates that are all about one half would hide a wrong one.

Everything else:

    image batch k, x[n, c, h, w]    (float) (1.5 * s("input.<k>", i))       i row-major in (N, C, H, W)
    scene batch k, x[n, c, h, w]    (float) ((0.8 * s("shade.<k>", n * 3 + c) + 0.8 * s("coarse.<k>", j)) + 0.5 * s("input.<k>", i)),
                                    j row-major in (N, C, ceil(H/8), ceil(W/8)) at (n, c, h/8, w/8). For networks that
                                    end in a mean: white noise has nearly the same mean in every image, and the logits of
                                    two images would hardly differ
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


def gate_range(name, shape):
    """(offset, scale) of a gate's parameter."""
    if name.endswith("bias"):
        return 0.0, 0.5
    first = ".fc1." in name or ".squeeze.squeeze." in name
    return 0.0, (1.0 if first else 2.0) * np.sqrt(6.0 / shape[1])


def efficientnet_range(name, shape):
    """(offset, scale) of an EfficientNet's parameter or running mean."""
    if ".fc1." in name or ".fc2." in name:
        return gate_range(name, shape)
    if len(shape) in (2, 4):
        return 0.0, np.sqrt(6.0 / int(np.prod(shape[1:])))
    if name == "classifier.1.bias":
        return 0.0, 0.05
    if name.endswith("weight"):
        if not is_last(name):
            return 1.0, 0.2
        return (0.8 if name.split(".")[2] == "0" else 0.25), 0.2
    return 0.0, 0.5 if name.endswith("bias") else 0.1


def is_last(name):
    """Whether a norm is the projection's, the last of an inverted residual block."""
    return ".block.3.1." in name or ".block.2.1." in name


def resnet_range(name, shape):
    """(offset, scale) of a ResNet's parameter or running mean."""
    if ".squeeze.squeeze." in name or ".squeeze.expand." in name:
        return gate_range(name, shape)
    if name == "fc.weight":
        return 0.0, 0.25 * np.sqrt(6.0 / shape[1])
    if name == "fc.bias":
        return 0.0, 0.05
    if len(shape) == 4:
        return 0.0, np.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    if name.endswith("weight"):
        return (0.3 if name.endswith("bn3.weight") else 1.0), 0.2
    if name == "bn1.bias":
        return -1.5, 0.5
    if name.endswith("bias"):
        return (0.0, 0.2) if name.endswith("bn3.bias") else (2.5, 0.5)
    return (0.0 if name == "bn1.running_mean" or name.endswith("bn3.running_mean") else 2.5), 0.1


def variance_range(name):
    """(offset, scale) of a running variance; the scale is of u, not of s."""
    if not name.startswith("features."):
        return 1.0, 0.5
    if is_last(name):
        return 0.2, 0.1
    wide = name.startswith("features.8.1.") or ".block.0.1." in name and not name.startswith("features.1.")
    return (1.5, 1.0) if wide else (0.6, 0.3)


def parameter(name, shape):
    """One entry of a state dict: float32 of the given shape, or an int64 scalar for a batch counter."""
    n = int(np.prod(shape, dtype=np.int64))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        offset, scale = variance_range(name)
        v = offset + scale * u(name, n)
    else:
        efficientnet = name.startswith(("features.", "classifier."))
        offset, scale = (efficientnet_range if efficientnet else resnet_range)(name, shape)
        v = offset + scale * s(name, n)
    return v.astype(np.float32).reshape(shape)


def images(batch, shape):
    """Image batch number `batch`: float32 (N, C, H, W)."""
    return (1.5 * s(f"input.{batch}", int(np.prod(shape)))).astype(np.float32).reshape(shape)


def scenes(batch, shape):
    """Scene batch number `batch`, images that differ from one another in their means: float32 (N, C, H, W), H == W."""
    n, c, size, _ = shape
    cells = (size + 7) // 8
    i = np.arange(n * c * size * size)
    plane, y, x = i // (size * size), i // size % size, i % size
    shade = s(f"shade.{batch}", n * c)[plane]
    coarse = s(f"coarse.{batch}", n * c * cells * cells)[(plane * cells + y // 8) * cells + x // 8]
    return ((0.8 * shade + 0.8 * coarse) + 0.5 * s(f"input.{batch}", i.size)).astype(np.float32).reshape(shape)


def labels(batch, n, classes):
    """Labels of image batch number `batch`: int64 (n,), in [0, classes)."""
    return (u(f"labels.{batch}", n) * classes).astype(np.int64)


def sampled(name, numel, count=8):
    """The flat indices at which the elements of parameter `name` are recorded: int64 (count,)."""
    return (u("index." + name, count) * numel).astype(np.int64)
