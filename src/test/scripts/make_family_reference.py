"""Writes the reference values for the tests of ResNeXt, SE-ResNeXt and EfficientNet, computed by PyTorch on the CPU.

Usage: python3 make_family_reference.py [--out FOLDER] [PART ...]     (default: every part)

Parts: logits, and efficientnet, same, seresnext (gradients of one training step each). README.md says which part writes which file
and what is in it; hash_formula.py states the weights and inputs, family_models.py the networks that torchvision lacks.
Every model is run in float32 and, with the same (float32-rounded) weights and inputs, in float64: the difference of the
two says how well a float32 program can be expected to agree.
"""

import argparse
import functools
import pathlib

import numpy as np
import torch
import torchvision

import family_models as fm
import hash_formula as hf
from make_resnet_reference import CLASSES, criterion, relative, versions, write_json

STANDARD = (1e-5, 0.1)  # eps and momentum of PyTorch's norms; EfficientNet's authors have 1e-3 and 0.01
PAPER = (1e-3, 0.01)


def efficientnet(name, norm):
    """torchvision's, nothing dropped. norm: eps and momentum."""
    layer = functools.partial(torch.nn.BatchNorm2d, eps=norm[0], momentum=norm[1])
    model = getattr(torchvision.models, "efficientnet_" + name)(stochastic_depth_prob=0.0, norm_layer=layer)
    model.classifier[0].p = 0.0
    return model


# Name of the case, architecture, how it is made, parameters it must have, images, their size.
CASES = (
    ("resnet50_64", torchvision.models.resnet50, 25_557_032, 2, 64),
    ("resnext101_64", fm.resnext101, 44_177_704, 2, 64),
    ("se_resnext101_16_64", lambda: fm.se_resnext101(lambda c: 16), 45_251_128, 2, 64),
    ("se_resnext101_ratio_64", lambda: fm.se_resnext101(lambda c: c // 16), 48_955_416, 2, 64),
    ("efficientnet_b0_96", lambda: efficientnet("b0", PAPER), 5_288_548, 2, 96),
    ("efficientnet_b0_224", lambda: efficientnet("b0", PAPER), 5_288_548, 1, 224),
    ("efficientnet_b0_standard_96", lambda: efficientnet("b0", STANDARD), 5_288_548, 2, 96),
    ("efficientnet_b0_same_96", lambda: fm.EfficientNet("b0", same=True), 5_288_548, 2, 96),
    ("efficientnet_b0_same_75", lambda: fm.EfficientNet("b0", same=True), 5_288_548, 2, 75),
    ("efficientnet_b4_96", lambda: efficientnet("b4", PAPER), 19_341_616, 2, 96),
    ("efficientnet_b4_380", lambda: efficientnet("b4", PAPER), 19_341_616, 1, 380),
    ("efficientnet_widese_b0_96", lambda: fm.EfficientNet("b0", wide=True), 8_423_848, 2, 96),
)

# Gradients: of which model, at which size, the norms whose running statistics are recorded after the step, and how many elements of each tensor.
STEPS = {
    "efficientnet": ("efficientnet_b0", lambda: efficientnet("b0", PAPER), (8, 3, 96, 96),
                     ("features.0.1", "features.4.1.block.1.1", "features.8.1"), 8),
    "same": ("efficientnet_b0_same", lambda: fm.EfficientNet("b0", same=True), (4, 3, 75, 75), ("features.0.1", "features.8.1"), 0),
    "seresnext": ("se_resnext101_16", lambda: fm.se_resnext101(lambda c: 16), (4, 3, 64, 64),
                  ("bn1", "layer3.11.bn2", "layer4.2.bn3"), 8),
}


def filled(model, dtype=torch.float32):
    """The model with the formula's weights."""
    state = {k: torch.from_numpy(np.array(hf.parameter(k, tuple(v.shape)))) for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    return model.to(dtype)


def check_own_efficientnet():
    """family_models.EfficientNet is torchvision's where torchvision has it: the same state dict, the same logits."""
    for name in fm.COEFFICIENTS:
        x = torch.from_numpy(hf.scenes(0, (1, 3, 75, 75))).double()
        ours, theirs = filled(fm.EfficientNet(name), torch.float64), filled(efficientnet(name, PAPER), torch.float64)
        if [(k, v.shape) for k, v in ours.state_dict().items()] != [(k, v.shape) for k, v in theirs.state_dict().items()]:
            raise SystemExit(f"{name}: another state dict than torchvision's")
        with torch.no_grad():
            error = relative(ours.eval()(x), theirs.eval()(x))
        print(f"own {name} against torchvision's in float64: {error:.1e}")
        if error > 1e-13:
            raise SystemExit(f"{name}: other logits than torchvision's")


def part_logits(out):
    check_own_efficientnet()
    rows = []
    for name, make, parameters, n, size in CASES:
        x = torch.from_numpy(hf.scenes(0, (n, 3, size, size)))
        model = filled(make())
        count = sum(p.numel() for p in model.parameters())
        if count != parameters:
            raise SystemExit(f"{name}: {count} parameters, not {parameters}")
        with torch.no_grad():
            single = model.eval()(x).numpy()
            double = model.double().eval()(x.double()).numpy()
        np.save(out / f"{name}_f64.npy", double)
        rows.append({"name": name, "parameters": count, "images": n, "size": size,
                     "f32_to_f64_l2": rounded(relative(single, double)),
                     "f32_to_f64_max": rounded(np.abs(single - double).max() / np.abs(double).max())})
        print(rows[-1], f"std {double.std():.3f}, largest {np.abs(double).max():.2f}, between images {double.std(0).mean():.3f}")
    write_json(out / "family_logits.json", {"versions": versions()}, "cases", rows)


def rounded(v):
    """Ten digits: five more than are compared."""
    return float(f"{v:.10g}")


def summary(name, tensor, other, count):
    """L2 norm, dot product with the probe vector and some elements of a float64 tensor; how far the float32 one is."""
    v, w = (t.detach().double().numpy().reshape(-1) for t in (tensor, other))
    index = hf.sampled(name, v.size, count)
    return {"name": name, "norm": rounded(np.linalg.norm(v)), "probe": rounded(np.sum(v * hf.s("probe." + name, v.size))),
            "index": index.tolist(), "elements": [rounded(e) for e in v[index]], "error": rounded(np.linalg.norm(w - v))}


def one_step(make, shape, dtype):
    """Loss and model after forward and backward on batch 0, in training mode."""
    model = filled(make(), dtype).train()
    x, y = torch.from_numpy(hf.scenes(0, shape)).to(dtype), torch.from_numpy(hf.labels(0, shape[0], CLASSES))
    loss = criterion()(model(x), y)
    loss.backward()
    return loss.item(), model


def part_step(which, out):
    name, make, shape, norms, count = STEPS[which]
    loss32, single = one_step(make, shape, torch.float32)
    loss64, double = one_step(make, shape, torch.float64)
    singles = dict(single.named_parameters())
    rows = [summary(k, p.grad, singles[k].grad, count) for k, p in double.named_parameters()]
    # The gradient of a shift that the next norm takes out again is zero but for rounding: its scale is that of its norm's weight.
    by_name = {r["name"]: r for r in rows}
    for r in rows:
        bias = r["name"].endswith("bias")
        r["scale"] = max(r["norm"], by_name[r["name"].removesuffix("bias") + "weight"]["norm"]) if bias else r["norm"]
    statistics = [summary(f"{n}.{what}", double.state_dict()[f"{n}.{what}"], single.state_dict()[f"{n}.{what}"], count)
                  for n in norms for what in ("running_mean", "running_var")]
    head = {"versions": versions(), "model": name, "shape": shape, "labels": hf.labels(0, shape[0], CLASSES).tolist(),
            "label_smoothing": criterion().label_smoothing, "loss_f32": loss32, "loss_f64": loss64, "running_statistics": statistics}
    write_json(out / f"{name}_gradients.json", head, "gradients", rows)
    worst = sorted((r["error"] / r["scale"], r["name"]) for r in rows)
    zero = [r["name"] for r in rows if r["norm"] < 1e-6 * r["scale"]]
    print(f"{name}: loss {loss64:.6f}, f32 {abs(loss32 / loss64 - 1):.1e}; {len(rows)} gradients, {len(zero)} of them zero, norms "
          f"{min(r['scale'] for r in rows):.1e} to {max(r['scale'] for r in rows):.1e}; f32 to f64 median "
          f"{worst[len(worst) // 2][0]:.1e}, worst {worst[-3:]}; statistics {max(r['error'] / r['norm'] for r in statistics):.1e}")


def main():
    parts = {"logits": part_logits, **{k: functools.partial(part_step, k) for k in STEPS}}
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
