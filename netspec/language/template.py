"""A commented spec to start from."""

from __future__ import annotations

import re
from pathlib import Path

from netspec.text.diagnostics import NetspecError
from netspec.text.files import write_atomically
from netspec.text.writer import flow

TEMPLATE = """\
# A network for scikit-learn's 8x8 digits. `netspec check` validates it, `netspec summary` prints
# its parameter table, `netspec train` trains it in seconds.
netspec: 1                      # the version of the language
name: {name}

input: [8, 8, 1]                # height, width, channels; the batch axis is never written

# The layers in their order, under Keras's names. `netspec layers` lists them all.
layers:
  - Conv2D: {{filters: 32, kernel_size: 3, padding: same, activation: relu}}
  - MaxPooling2D: {{pool_size: 2}}
  - Conv2D: {{filters: 64, kernel_size: 3, padding: same, activation: relu}}
  - Flatten
  - Dropout: {{rate: 0.25}}
  - Dense: {{units: 10, activation: softmax}}   # one unit for every class

# The data set digits needs scikit-learn: pip install 'netspec[digits]'. Other data sets: mnist,
# which is fetched; images, npz or idx for your own files.
data: {{dataset: digits, scale: 16}}            # pixels are divided by scale

train:
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: 1e-3}}}}    # or {{sgd: {{momentum: 0.9}}}}
  metrics: [accuracy]
  epochs: 15
  batch_size: 32
  seed: 0                       # decides the initial weights and the order of the images
"""


def write_new(name: str, *, force: bool = False) -> Path:
    """Write `name`.yaml into the current folder. Raises NetspecError."""
    name = name.removesuffix(".yaml")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        message = f"{name!r} cannot name a network"
        raise NetspecError(message, "use a letter, then up to 63 letters, digits and underscores")
    path = Path(f"{name}.yaml")
    if path.exists() and not force:
        raise NetspecError(f"{path} is there already", "choose another name, or use --force")
    write_atomically(path, TEMPLATE.format(name=flow(name)).encode())
    return path
