"""The parts of generated Keras modules that do not depend on the network."""

from __future__ import annotations

from pathlib import Path

from netspec.backend.emit.cut import Folder

IMPORTS = ("import math", "import keras", "from keras import layers")
"""What a module may import, one name each."""

PARTS = Folder(Path(__file__).with_name("parts"))
"""The classes and functions that a module may contain."""

NAMES = frozenset({"keras", "layers", "logits", "model"})
"""Names that the function build_model uses whatever the network is."""
