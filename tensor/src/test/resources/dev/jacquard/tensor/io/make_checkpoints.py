"""Writes the .pt files beside this script with PyTorch (run with 1.13). The tests need no PyTorch: the files are committed.

Element i of a tensor is i - 2 unless said otherwise, as in make_fixtures.py.
"""
import argparse
import collections
import os
import zipfile

import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def values(dtype, *shape):
    n = int(torch.tensor(shape).prod()) if shape else 1
    return (torch.arange(n) - 2).to(dtype).reshape(shape)


# Every element type; signed ones wrap by themselves.
types = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
torch.save({str(t).split(".")[1]: values(t, 2, 3) for t in types}, "types.pt")

# Views: transposed, sliced, channels-last, a stride of no matter in a dimension of 1, two views of one storage, a scalar, nothing, one element repeated within its storage's size.
base = values(torch.float32, 4, 6)
views = collections.OrderedDict(base=base, transposed=base.t(), sliced=base[1:3, 1:6:2], column=base[:, 2], last=values(torch.float32, 2, 3, 4, 5).to(memory_format=torch.channels_last),
                                half=values(torch.float16, 3, 4).t(), bytes=values(torch.uint8, 3, 4).t(), double=values(torch.float64, 3, 4).t(), bfloat=values(torch.bfloat16, 3, 4)[:, ::2],
                                one=base[2:3, 3:4], scalar=torch.tensor(3.5), none=torch.zeros(0, 3))
torch.save(views, "views.pt")

# A checkpoint as training scripts write it: a module's state dict with its versions, an optimizer after a step, text and numbers.
torch.manual_seed(7)
net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
sgd = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
net(torch.ones(1, 2, 4, 4)).sum().backward()
sgd.step()
torch.save({"epoch": 3, "arch": "tiny", "best": 0.5, "done": False, "nothing": None, "seed": 2**70, "size": torch.Size([1, 2]), "state_dict": net.state_dict(),
            "parameter": torch.nn.Parameter(torch.ones(2)), "optimizer": sgd.state_dict(), "list": [torch.ones(1), (torch.zeros(1), "text")]}, "nested.pt")

# What is refused.
torch.save({"w": torch.ones(2), "args": argparse.Namespace(lr=0.1)}, "namespace.pt")
torch.save(net, "module.pt")
torch.save({"w": torch.ones(2)}, "legacy.pt", _use_new_zipfile_serialization=False)
torch.save(torch.ones(2), "tensor.pt")
torch.save({"w": torch.ones(1).expand(1000)}, "expanded.pt")
torch.save({"w": torch.ones(2)}, "protocol4.pt", pickle_protocol=4)
torch.jit.script(torch.nn.Linear(1, 1)).save("script.pt")
with zipfile.ZipFile("views.pt") as z, zipfile.ZipFile("deflated.pt", "w", zipfile.ZIP_DEFLATED) as out:
    for entry in z.infolist():
        out.writestr(entry.filename, z.read(entry))
