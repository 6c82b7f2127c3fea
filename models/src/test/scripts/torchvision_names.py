"""Writes a digest of the names, order and shapes of each torchvision network's state_dict, without its counters.

    /usr/bin/python3 models/src/test/scripts/torchvision_names.py > models/src/test/resources/dev/jacquard/models/torchvision.csv

Made with torchvision 0.14. A line of what is digested is the name, a space, the sizes joined by commas, and a newline.
"""
import hashlib

import torchvision.models as models
from torchvision.models.resnet import Bottleneck, ResNet


def digest(net):
    lines = [f"{k} {','.join(map(str, v.shape))}\n" for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")]
    return len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()


NETWORKS = {name: getattr(models, name) for name in ("resnet18", "resnet34", "resnet50")}
NETWORKS["resnext101-32x4d"] = lambda: ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4)
NETWORKS.update({f"efficientnet-b{i}": getattr(models, f"efficientnet_b{i}") for i in range(8)})

print("# Made by models/src/test/scripts/torchvision_names.py with torchvision 0.14.")
print("model,tensors,sha256")
for name, make in NETWORKS.items():
    print(name, *digest(make()), sep=",")
