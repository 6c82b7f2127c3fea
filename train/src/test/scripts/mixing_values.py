"""Writes mixing-values.txt: mixed images, their loss and its gradient by PyTorch in double precision, after the rules of NVIDIA's ConvNets (PyTorch) and EfficientNet (TensorFlow 2), given the draws.

Run with PyTorch 1.13 or later:  python3 train/src/test/scripts/mixing_values.py > train/src/test/resources/mixing-values.txt
A line is a name, the extents, '|' and the values, row-major. Targets are made as those programs make them: one-hot rows that are mixed, and the two ways to smooth that they have.
"""
import torch

torch.manual_seed(20261121)
torch.set_default_dtype(torch.float64)
N, H, W, K, SMOOTHING = 7, 6, 5, 11, 0.1
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def put(name, t):
    print(name, *t.shape, "|", " ".join("%.10g" % v for v in t.detach().flatten().tolist()))


images = torch.randint(0, 256, (N, H, W, 3))
labels = torch.randint(0, K, (N,))
logits = torch.round(torch.randn(N, K) * 64).div(64).requires_grad_()
put("images", images)
put("labels", labels)
put("logits", logits)
onehot = torch.eye(K)[labels]
x = (images / 255.0 - MEAN) / STD


def smoothed_pytorch(targets):
    """The part of the targets and the part of the mean, each a loss of its own."""
    logp = torch.log_softmax(logits, -1)
    return ((1 - SMOOTHING) * -(logp * targets).sum(-1) + SMOOTHING * -logp.mean(-1)).mean()


def smoothed_tensorflow(targets):
    """The targets are smoothed, then there is one loss."""
    return -(torch.log_softmax(logits, -1) * (targets * (1 - SMOOTHING) + SMOOTHING / K)).sum(-1).mean()


def case(name, partners, weights, boxes, label_weights, mixed, targets, loss):
    put(name + ".partners", partners)
    put(name + ".weights", weights)
    put(name + ".boxes", boxes)
    put(name + ".label_weights", label_weights)
    put(name + ".pixels", mixed)
    value = loss(targets)
    put(name + ".loss", value.reshape(1))
    put(name + ".dlogits", torch.autograd.grad(value, logits)[0])


def column(v):
    return v.reshape(-1, 1)


def image(v):
    return v.reshape(-1, 1, 1, 1)


def mixup_tensorflow(x, t, w):
    return x * image(w) + x.flip(0) * image(1 - w), t * column(w) + t.flip(0) * column(1 - w)


def cutmix(x, t, boxes, partners):
    mask = torch.zeros(len(x), H, W, 1)
    for m, (y0, x0, y1, x1) in zip(mask, boxes.tolist()):
        m[y0:y1, x0:x1] = 1
    area = mask.mean((1, 2, 3))  # of each image; the published program takes the mean of the batch here
    return (1 - mask) * x + mask * x[partners], t * column(1 - area) + t[partners] * column(area), 1 - area


none = torch.zeros(N, 4, dtype=torch.long)
reverse = torch.arange(N - 1, -1, -1)

c, perm = 0.3125, torch.randperm(N)
case("pytorch_mixup", perm, torch.full((N,), c), none, torch.full((N,), c), c * x + (1 - c) * x[perm], c * onehot + (1 - c) * onehot[perm], smoothed_pytorch)

w = torch.round(torch.maximum(torch.rand(N), torch.tensor(0.5)) * 1024) / 1024
mixed, targets = mixup_tensorflow(x, onehot, w)
case("tensorflow_mixup", reverse, w, none, w, mixed, targets, smoothed_tensorflow)

boxes = torch.tensor([[0, 0, 0, 0], [0, 0, 6, 5], [1, 2, 4, 4], [3, 0, 6, 1], [2, 2, 3, 3], [0, 3, 5, 5], [4, 1, 4, 3]])
mixed, targets, kept = cutmix(x, onehot, boxes, reverse)
case("tensorflow_cutmix", reverse, torch.ones(N), boxes, kept, mixed, targets, smoothed_tensorflow)
mixed, targets, kept = cutmix(x, onehot, boxes, perm)
case("pytorch_cutmix", perm, torch.ones(N), boxes, kept, mixed, targets, smoothed_pytorch)

half = N // 2
first, first_targets = mixup_tensorflow(x[:half], onehot[:half], w[:half])
second, second_targets, kept = cutmix(x[half:], onehot[half:], boxes[half:], torch.arange(N - half - 1, -1, -1))
partners = torch.cat([torch.arange(half - 1, -1, -1), torch.arange(N - 1, half - 1, -1)])
case("tensorflow_both", partners, torch.cat([w[:half], torch.ones(N - half)]), torch.cat([none[:half], boxes[half:]]), torch.cat([w[:half], kept]),
     torch.cat([first, second]), torch.cat([first_targets, second_targets]), smoothed_tensorflow)
