"""Writes the reference values for Jacquard's ResNet tests, computed by PyTorch on the CPU.

Usage: python3 make_resnet_reference.py [--out FOLDER] [PART ...]     (default: every part)

Parts: state, eval, gradients, training. README.md says which part writes which file and what is in it;
hash_formula.py states the weights and inputs. Every model is run in float32 and, with the same (float32-rounded)
weights and inputs, in float64: the difference of the two says how well a float32 program can be expected to agree.
"""

import argparse
import json
import pathlib
import zlib

import numpy as np
import torch
import torchvision

import hash_formula as hf

CLASSES = 1000
LABEL_SMOOTHING = 0.1
LEARNING_RATE = 0.001
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
STEPS = 20
BATCHES = 4
BATCH_SHAPE = (8, 3, 64, 64)
# Norms whose running statistics are recorded after the step; those of the first are small enough to keep whole.
NORMS = ("bn1", "layer2.0.bn2", "layer4.2.bn3")


def build(arch, dtype=torch.float32):
    """The torchvision model with the formula's weights, in the given dtype."""
    model = getattr(torchvision.models, arch)(weights=None)
    state = {k: torch.from_numpy(np.array(hf.parameter(k, tuple(v.shape)))) for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    return model.to(dtype)


def batch(k, dtype):
    """Training batch k: images (8, 3, 64, 64) and labels (8,)."""
    x = torch.from_numpy(hf.images(k, BATCH_SHAPE)).to(dtype)
    return x, torch.from_numpy(hf.labels(k, BATCH_SHAPE[0], CLASSES))


def criterion():
    return torch.nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)


def relative(a, b):
    """|a - b| / |b| in the L2 norm, in float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def write_json(path, head, rows_key, rows):
    """JSON with one row of `rows` per line, so that a change is readable as a diff."""
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}," for k, v in head.items()]
    body = ",\n".join("    " + json.dumps(r) for r in rows)
    path.write_text("{\n" + "\n".join(lines) + f"\n  {json.dumps(rows_key)}: [\n{body}\n  ]\n}}\n")


def versions():
    return {"torch": torch.__version__, "torchvision": torchvision.__version__, "numpy": np.__version__}


def multiply_adds(model, size):
    """Multiply-adds of the convolutions and the linear layer for one image of size x size."""
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in model.modules()
             if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    for h in hooks:
        h.remove()
    return total


def write_formula(out):
    """Probes of the formula, so that a wrong port is found before any network is run."""
    rows = []
    for name in ("input.0", "labels.0", "probe.fc.weight", "conv1.weight", "layer1.0.bn3.weight", "größe"):
        for i in (0, 1, 2, 1000):
            rows.append({"name": name, "index": i, "seed": f"{hf.seed(name):016x}",
                         "z": f"{int(hf.z(name, i + 1)[i]):016x}", "u": hf.u(name, i + 1)[i]})
    inputs = [{"batch": k, "shape": BATCH_SHAPE, "crc32": crc(hf.images(k, BATCH_SHAPE)),
               "labels": hf.labels(k, BATCH_SHAPE[0], CLASSES).tolist()} for k in range(BATCHES)]
    write_json(out / "hash_formula.json", {"inputs": inputs}, "words", rows)


def crc(a):
    """CRC-32 of the array's little-endian bytes, eight hex digits."""
    return f"{zlib.crc32(np.ascontiguousarray(a).tobytes()):08x}"


def part_state(out):
    write_formula(out)
    for arch in ("resnet18", "resnet50"):
        model = build(arch)
        rows = [{"name": k, "shape": list(v.shape), "dtype": {torch.float32: "F32", torch.int64: "I64"}[v.dtype],
                 "crc32": crc(v.numpy())} for k, v in model.state_dict().items()]
        head = {"model": arch, "parameters": sum(p.numel() for p in model.parameters()),
                "multiply_adds_224": multiply_adds(model, 224)}
        write_json(out / f"{arch}_state.json", head, "tensors", rows)
        print(head)


def part_eval(out):
    for arch, n, size in (("resnet50", 4, 64), ("resnet50", 2, 224), ("resnet18", 2, 64)):
        x = torch.from_numpy(hf.images(0, (n, 3, size, size)))
        with torch.no_grad():
            single = build(arch).eval()(x).numpy()
            double = build(arch, torch.float64).eval()(x.double()).numpy()
        np.save(out / f"{arch}_eval_{size}_f32.npy", single)
        np.save(out / f"{arch}_eval_{size}_f64.npy", double)
        print(f"eval {arch} {size}: std {double.std():.3f}, between images {double.std(0).mean():.3f}, "
              f"f32 to f64: L2 {relative(single, double):.1e}, "
              f"max {np.abs(single - double).max() / np.abs(double).max():.1e}")


def summary(name, tensor, index):
    """What is kept of a tensor: its L2 norm, sum, dot product with the probe vector, and elements, all in float64."""
    v = tensor.detach().double().numpy().reshape(-1)
    return {"norm": float(np.sqrt(np.sum(v * v))), "sum": float(np.sum(v)),
            "probe": float(np.sum(v * hf.s("probe." + name, v.size))), "elements": v[index].tolist()}


def one_step(dtype):
    """Loss and model after forward and backward on batch 0, in training mode. (The optimizer is not run.)"""
    model = build("resnet50", dtype).train()
    x, y = batch(0, dtype)
    loss = criterion()(model(x), y)
    loss.backward()
    return loss.item(), model


def part_gradients(out):
    loss32, single = one_step(torch.float32)
    loss64, double = one_step(torch.float64)
    rows, worst = [], []
    for (name, p), (_, q) in zip(single.named_parameters(), double.named_parameters()):
        index = hf.sampled(name, p.numel())
        rel = relative(p.grad.numpy(), q.grad.numpy())
        worst.append((rel, name))
        rows.append({"name": name, "shape": list(p.shape), "index": index.tolist(), "f32": summary(name, p.grad, index),
                     "f64": summary(name, q.grad, index), "f32_to_f64": rel})
    norms = []
    for layer in NORMS:
        for what in ("running_mean", "running_var"):
            name = f"{layer}.{what}"
            a, b = single.state_dict()[name], double.state_dict()[name]
            index = hf.sampled(name, a.numel())
            row = {"name": name, "index": index.tolist(), "f32": summary(name, a, index),
                   "f64": summary(name, b, index), "f32_to_f64": relative(a.numpy(), b.numpy())}
            if layer == NORMS[0]:
                row["f64_values"] = b.tolist()
            norms.append(row)
    head = {"versions": versions(), "model": "resnet50", "batch": 0, "shape": BATCH_SHAPE,
            "labels": hf.labels(0, BATCH_SHAPE[0], CLASSES).tolist(), "label_smoothing": LABEL_SMOOTHING,
            "loss_f32": loss32, "loss_f64": loss64, "running_statistics": norms}
    write_json(out / "resnet50_gradients.json", head, "gradients", rows)
    print(f"gradients: loss {loss64:.6f}, f32 to f64 {abs(loss32 / loss64 - 1):.1e}; gradient norm "
          f"{min(r['f64']['norm'] for r in rows):.1e} to {max(r['f64']['norm'] for r in rows):.1e}; per parameter "
          f"median {np.median([w for w, _ in worst]):.1e}, worst {sorted(worst)[-3:]}; "
          f"running statistics {max(n['f32_to_f64'] for n in norms):.1e}")
    for key in ("norm", "sum", "probe"):
        # A sum or dot product may cancel to almost nothing, so its error is measured against norm * sqrt(n).
        errors = [(abs(r["f32"][key] - r["f64"][key]) / (r["f64"]["norm"]
                   * (1 if key == "norm" else np.prod(r["shape"]) ** 0.5)), r["name"]) for r in rows]
        print(f"gradients: {key}, error against {'norm' if key == 'norm' else 'norm * sqrt(n)'}: {max(errors)}")


def train(dtype):
    """The losses of STEPS steps of SGD, each taken before its update."""
    model = build("resnet50", dtype).train()
    batches = [batch(k, dtype) for k in range(BATCHES)]
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    losses = []
    for step in range(STEPS):
        x, y = batches[step % BATCHES]
        optimizer.zero_grad()
        loss = criterion()(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def part_training(out):
    single, double = train(torch.float32), train(torch.float64)
    rel = [abs(a / b - 1) for a, b in zip(single, double)]
    head = {"versions": versions(), "model": "resnet50", "shape": BATCH_SHAPE, "batches": BATCHES,
            "label_smoothing": LABEL_SMOOTHING, "learning_rate": LEARNING_RATE, "momentum": MOMENTUM,
            "weight_decay": WEIGHT_DECAY}
    rows = [{"step": i, "batch": i % BATCHES, "loss_f32": a, "loss_f64": b}
            for i, (a, b) in enumerate(zip(single, double))]
    write_json(out / "resnet50_training.json", head, "steps", rows)
    print("training:", " ".join(f"{v:.4f}" for v in double), f"; f32 to f64 at most {max(rel):.1e}")


def main():
    parts = {"state": part_state, "eval": part_eval, "gradients": part_gradients, "training": part_training}
    default = pathlib.Path(__file__).resolve().parent.parent / "resources" / "reference"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder to write to")
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(parts)}; default: all")
    args = parser.parse_args()
    for name in args.part:
        if name not in parts:
            parser.error(f"unknown part '{name}'; expected one of {', '.join(parts)}")
    torch.set_num_threads(2)  # the split of a reduction over threads is part of the result's last bits
    torch.use_deterministic_algorithms(True)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.part or parts:
        parts[name](args.out)


if __name__ == "__main__":
    main()
