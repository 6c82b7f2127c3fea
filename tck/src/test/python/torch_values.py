"""Writes torch-values.txt: small results of PyTorch in double precision that pin the reference backend from outside.

Run with PyTorch 1.13 or later:  python3 tck/src/test/python/torch_values.py > tck/src/test/resources/torch-values.txt
A line is a name, the extents, '|' and the values, row-major. Images are N H W C and weights K R S C/groups, as the engine has them.
"""
import torch
import torch.nn.functional as F

torch.manual_seed(20261120)
torch.set_default_dtype(torch.float64)


def put(name, t):
    t = t.detach()
    values = " ".join(repr(float(v)) for v in t.contiguous().flatten().tolist())
    print(name, *t.shape, "|", values)


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def leaf(*dims):
    return torch.round(torch.randn(*dims) * 64).div(64).requires_grad_()  # few digits, no ties that matter


def grads(prefix, y, **wrt):
    dy = torch.round(torch.randn_like(y) * 64) / 64
    put(prefix + ".y", nhwc(y) if y.dim() == 4 else y)
    put(prefix + ".dy", nhwc(dy) if y.dim() == 4 else dy)
    for (name, x), g in zip(wrt.items(), torch.autograd.grad(y, list(wrt.values()), dy)):
        put(f"{prefix}.{name}", nhwc(x) if x.dim() == 4 else x)
        put(f"{prefix}.d{name}", nhwc(g) if x.dim() == 4 else g)


# name, x (N C H W), w (K C/groups R S), stride, padding (left, right, top, bottom), dilation, groups
for name, xs, ws, stride, pad, dilation, groups in [
    ("conv.plain", (2, 3, 5, 4), (4, 3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ("conv.asymmetric", (1, 2, 6, 5), (3, 2, 2, 3), (2, 1), (2, 0, 1, 3), (1, 1), 1),
    ("conv.grouped", (1, 4, 5, 5), (6, 2, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 2),
    ("conv.dilated", (1, 2, 7, 6), (2, 2, 3, 2), (1, 2), (1, 1, 2, 2), (2, 3), 1),
    ("conv.depthwise", (2, 3, 4, 4), (3, 1, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 3),
]:
    x, w = leaf(*xs), leaf(*ws)
    grads(name, F.conv2d(F.pad(x, pad), w, stride=stride, dilation=dilation, groups=groups), x=x, w=w)

x, gamma, beta = leaf(3, 4, 2, 3), leaf(4), leaf(4)
grads("bn", F.batch_norm(x, None, None, gamma, beta, True, 0.1, 1e-5), x=x, gamma=gamma, beta=beta)
put("bn.mean", x.mean((0, 2, 3)))
put("bn.variance", x.var((0, 2, 3), unbiased=False))

x = leaf(2, 2, 6, 5)
grads("maxpool", F.max_pool2d(x, 3, 2, 1), x=x)
x = leaf(2, 2, 6, 5)
grads("avgpool.padded", F.avg_pool2d(x, 3, 2, 1, count_include_pad=True), x=x)
x = leaf(2, 2, 6, 5)
grads("avgpool.valid", F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x=x)

x = leaf(3, 7)
grads("softmax", F.softmax(x, -1), x=x)
x = leaf(3, 7)
grads("logsoftmax", F.log_softmax(x, -1), x=x)
x = leaf(4, 5)
labels = torch.tensor([3, 0, 4, 1])
loss = F.cross_entropy(x, labels)
put("crossentropy.x", x)
put("crossentropy.labels", labels)
put("crossentropy.y", loss.reshape(1))
put("crossentropy.dx", torch.autograd.grad(loss, x)[0])

a, b = leaf(3, 4), leaf(5, 4)
grads("linear", a @ b.t(), a=a, b=b)

x = leaf(11)
grads("silu", F.silu(x), x=x)
x = leaf(11)
grads("sigmoid", torch.sigmoid(x), x=x)
x = leaf(11)
grads("tanh", torch.tanh(x), x=x)

for nesterov in (False, True):
    name = "sgd.nesterov" if nesterov else "sgd.plain"
    w = leaf(6)
    put(name + ".w", w)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=nesterov)
    for step in range(2):
        w.grad = torch.round(torch.randn(6) * 64) / 64
        put(f"{name}.g{step}", w.grad)
        optimizer.step()
        put(f"{name}.w{step + 1}", w)
