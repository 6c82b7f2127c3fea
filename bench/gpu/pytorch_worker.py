#!/usr/bin/env python3
"""PyTorch's side of `./jacquard bench`: answers questions on standard input, a line each.

  pytorch_worker.py cuda|cpu

  hello                                           ok <versions and device>
  limits                                          ok <name=figure unit; ...>   copy bandwidth and matrix rates
  prepare WORK NETWORK MODE PRECISION BATCH PX    ok        work: train, infer; mode: eager, cudagraph, compile; precision: fp32, tf32, fp16, bf16
  time SECONDS                                    ok <milliseconds of each step>   training: back to back; inference: each waited for
  memory                                          ok <bytes, the most that were allocated at once>   eager: by the steps that were timed; else since prepare; 0 on the CPU
  drop                                            ok
  anything that fails                             no <reason>

Inputs are random and stay on the device; images are channels_last. A training step is forward, cross entropy with label smoothing 0.1, backward, optimizer: SGD with momentum for
ResNets, RMSprop for EfficientNets. Training in fp16 and bf16 is autocast (fp16 with GradScaler), inference in them is the network in that type. Needs torch, torchvision, and timm for
EfficientNets (else torchvision's). On the CPU autocast is bf16's, and there is no TF32: cases in fp16, in tf32 and with CUDA graphs are refused.
"""
import gc
import sys
import time
import traceback

import torch
from torch import nn
import torch.nn.functional as F

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"
CUDA = DEVICE.startswith("cuda")
HALVES = {"fp16": torch.float16, "bf16": torch.bfloat16}
LEAST, MOST = 5, 2000


class SqueezeExcite(nn.Module):
    """NVIDIA's for SE-ResNeXt101: 16 channels in between, in every stage."""

    def __init__(self, channels, squeeze=16):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, squeeze), nn.Linear(squeeze, channels)

    def forward(self, x):
        gate = torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class SeBottleneck(nn.Module):
    def __init__(self, cin, width, stride):
        super().__init__()
        cout = 2 * width
        self.conv1, self.bn1 = nn.Conv2d(cin, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, groups=32, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, cout, 1, bias=False), nn.BatchNorm2d(cout)
        self.se = SqueezeExcite(cout)
        self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if stride != 1 or cin != cout else None

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.se(self.bn3(self.conv3(y)))
        return F.relu(y + (x if self.down is None else self.down(x)))


def se_resnext101():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    cin = 64
    for stage, blocks in enumerate((3, 4, 23, 3)):
        width = 128 << stage
        for b in range(blocks):
            layers.append(SeBottleneck(cin, width, 2 if stage > 0 and b == 0 else 1))
            cin = 2 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, 1000))


def build(network):
    if network == "se-resnext101-32x4d":
        return se_resnext101()
    import torchvision
    if network == "resnet50":
        return torchvision.models.resnet50()
    name = network.replace("-", "_")
    try:
        import timm
        return timm.create_model(name, drop_path_rate=0.0)
    except ImportError:
        return getattr(torchvision.models, name)()


def synchronize():
    if CUDA:
        torch.cuda.synchronize()


def autocast(precision):
    dtype = HALVES.get(precision)
    return lambda: torch.autocast(DEVICE, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


def recorded(step, rounds):
    """A CUDA graph of a step, after a few on a stream of their own."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(rounds):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def training(network, mode, precision, batch, px):
    model = build(network).to(DEVICE, memory_format=torch.channels_last).train()
    x = torch.randn(batch, 3, px, px, device=DEVICE).to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,), device=DEVICE)
    graph = mode == "cudagraph"
    if network.startswith("efficientnet"):
        more = dict(foreach=True, capturable=graph) if CUDA else {}
        optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4, alpha=0.9, eps=0.01, momentum=0.9, weight_decay=1e-5, **more)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.875, weight_decay=3e-5, **(dict(fused=True) if CUDA else {}))
    context, criterion = autocast(precision), nn.CrossEntropyLoss(label_smoothing=0.1)
    # A scaler looks at the host every step, which a CUDA graph cannot.
    scaler = torch.amp.GradScaler("cuda") if precision == "fp16" and CUDA and not graph else None
    forward = torch.compile(model, mode="max-autotune") if mode == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=not graph)
        with context():
            loss = criterion(forward(x), y)
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

    return recorded(step, 5) if graph else step


def inference(network, mode, precision, batch, px):
    model = build(network).to(DEVICE, memory_format=torch.channels_last).eval()
    x = torch.randn(batch, 3, px, px, device=DEVICE).to(memory_format=torch.channels_last)
    if precision in HALVES:
        model, x = model.to(HALVES[precision]), x.to(HALVES[precision])
    forward = torch.compile(model, mode="max-autotune") if mode == "compile" else model

    def call():
        with torch.inference_mode():
            return forward(x)

    if mode != "cudagraph":
        return call
    with torch.inference_mode():
        return recorded(call, 3)


def prepare(work, network, mode, precision, batch, px):
    if not CUDA and (precision == "tf32" or mode == "cudagraph"):
        raise ValueError(f"the CPU has no {precision if precision == 'tf32' else mode}")
    if not CUDA and precision == "fp16":
        raise ValueError("autocast on the CPU is bf16's, and many of its kernels have no fp16")
    torch.manual_seed(1)
    if CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    step = (training if work == "train" else inference)(network, mode, precision, int(batch), int(px))
    for _ in range(4):
        step()
    synchronize()
    if CUDA and mode == "eager":  # cuDNN's search for algorithms takes more than any step; a graph's memory would not be seen again
        torch.cuda.reset_peak_memory_stats()
    return work, step


def timed(work, step, seconds):
    begin = time.perf_counter()
    step()
    synchronize()
    n = int(min(MOST, max(LEAST, round(seconds / max(time.perf_counter() - begin, 1e-6)))))
    if work == "train":
        begin = time.perf_counter()
        for _ in range(n):
            step()
        synchronize()
        return [(time.perf_counter() - begin) * 1e3 / n] * n
    ms = []
    for _ in range(n):
        begin = time.perf_counter()
        step()
        synchronize()
        ms.append((time.perf_counter() - begin) * 1e3)
    return ms


def median_ms(call):
    marks = []
    for _ in range(3):
        call()
    for _ in range(11):
        synchronize()
        begin = time.perf_counter()
        call()
        synchronize()
        marks.append((time.perf_counter() - begin) * 1e3)
    return sorted(marks)[5]


def limits():
    big = 1 << 30 if CUDA else 1 << 24
    a = torch.randn(big, device=DEVICE)
    b = torch.empty_like(a)
    lines = [f"copy={2 * big * 4 / median_ms(lambda: b.copy_(a)) / 1e6:.0f} GB/s read and written"]
    del a, b
    for precision, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16), ("tf32", torch.float32), ("fp32", torch.float32)):
        if not CUDA and precision != "fp32":
            continue
        torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
        for n in (4096, 8192) if CUDA else (1024,):
            a, b = torch.randn(n, n, device=DEVICE, dtype=dtype), torch.randn(n, n, device=DEVICE, dtype=dtype)
            lines.append(f"matmul {n} {precision}={2 * n ** 3 / median_ms(lambda: a @ b) / 1e9:.0f} TFLOP/s" if CUDA else f"matmul {n} {precision}={2 * n ** 3 / median_ms(lambda: a @ b) / 1e6:.0f} GFLOP/s")
    if CUDA:
        a = torch.randint(-127, 127, (8192, 8192), device=DEVICE, dtype=torch.int8)
        b = torch.randint(-127, 127, (8192, 8192), device=DEVICE, dtype=torch.int8).t()
        lines.append(f"matmul 8192 int8={2 * 8192 ** 3 / median_ms(lambda: torch._int_mm(a, b)) / 1e9:.0f} TOP/s")
    return ";".join(lines)


def versions():
    if CUDA:
        return f"torch {torch.__version__} cuda {torch.version.cuda} cudnn {torch.backends.cudnn.version()} {torch.cuda.get_device_name()}"
    return f"torch {torch.__version__} cpu, {torch.get_num_threads()} threads"


def main():
    prepared = None
    for line in sys.stdin:
        question, *args = line.split()
        try:
            if question == "hello":
                answer = versions()
            elif question == "limits":
                answer = limits()
            elif question == "prepare":
                answer, prepared = "", prepare(*args)
            elif question == "time":
                answer = " ".join(f"{ms:.5f}" for ms in timed(*prepared, float(args[0])))
            elif question == "memory":
                answer = str(torch.cuda.max_memory_allocated() if CUDA else 0)
            elif question == "drop":
                prepared, answer = None, ""
                gc.collect()
                if hasattr(torch, "_dynamo"):
                    torch._dynamo.reset()
                if CUDA:
                    torch.cuda.empty_cache()
            else:
                raise ValueError("no such question: " + question)
            print("ok", answer, flush=True)
        except Exception as e:  # whatever a library throws is an answer
            traceback.print_exc()
            prepared = None
            print("no", f"{type(e).__name__}: {e}".replace("\n", " ")[:300], flush=True)


if __name__ == "__main__":
    main()
