"""Writes cutmix-boxes.txt: boxes and kept parts of NVIDIA's EfficientNet for TensorFlow 2, by its arithmetic in NumPy's single precision.

Run:  python3 data/src/test/scripts/make_cutmix_boxes.py > data/src/test/resources/cutmix-boxes.txt
A line is: height width  y x beta  y0 x0 y1 x1  kept. Edges first, then drawn ones.
"""
import numpy as np

rng = np.random.RandomState(20261121)
rows = [(224, 224, 0, 0, 0.0), (224, 224, 223, 223, 0.0), (224, 224, 112, 112, 0.0), (224, 224, 112, 112, 1.0), (224, 224, 5, 200, 0.99999), (1, 1, 0, 0, 0.0), (7, 5, 3, 2, 0.5)]
for h, w in [(224, 224), (171, 171), (33, 48)]:
    rows += [(h, w, rng.randint(h), rng.randint(w), rng.beta(a, a)) for a in (0.2, 1.0, 1.0, 3.0)]
for h, w, y, x, beta in rows:
    ratio = np.float32(np.sqrt(1 - beta))
    rh, rw = int(ratio * np.float32(h)), int(ratio * np.float32(w))
    y0, y1 = np.clip([y - rh // 2, y + rh // 2], 0, h)
    x0, x1 = np.clip([x - rw // 2, x + rw // 2], 0, w)
    mask = np.zeros((h, w))
    mask[y0:y1, x0:x1] = 1
    print(h, w, y, x, repr(float(beta)), y0, x0, y1, x1, "%.9g" % (1 - mask.mean()))
