"""Runs kept modules where netspec cannot be imported: without_netspec.py BACKEND FOLDER.

Every folder in FOLDER contains module.py, weights.safetensors and inputs.npy. The program writes into
the same folder: the outputs, the loss before and after a step of training, and the printed text.
error.txt contains the traceback of a failure.
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
import traceback
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np


class WithoutNetspec(MetaPathFinder):
    """Refuses every import of netspec and its backends."""

    def find_spec(self, fullname, path, target=None):
        if fullname.startswith("netspec"):
            raise ModuleNotFoundError(f"{fullname} is not to be imported here")


def keras_outputs(module: dict[str, Any], folder: Path) -> np.ndarray:
    from safetensors.numpy import load_file

    model = module["build_model"]()
    module["set_weights"](model, load_file(folder / "weights.safetensors"))
    return np.asarray(model(np.load(folder / "inputs.npy"), training=False))


def keras_losses(module: dict[str, Any], folder: Path) -> list[float]:
    import keras
    from safetensors.numpy import load_file

    keras.utils.set_random_seed(0)
    inputs, labels = np.load(folder / "inputs.npy"), np.zeros(3, np.int32)
    softmax = "logits" in module["build_model"].__code__.co_varnames
    model = module["build_model"](**({"logits": True} if softmax else {}))
    module["set_weights"](model, load_file(folder / "weights.safetensors"))
    schedule = [module["build_schedule"](1)] if "build_schedule" in module else []
    optimizer = module["build_optimizer"](*schedule)
    model.compile(optimizer, module["build_loss"](), run_eagerly=True)
    before = model.test_on_batch(inputs, labels)
    model.train_on_batch(inputs, labels)
    return [before, model.test_on_batch(inputs, labels)]


def torch_outputs(module: dict[str, Any], folder: Path) -> np.ndarray:
    import torch
    from safetensors.torch import load_file

    model = module["build_model"]()
    module["set_weights"](model, load_file(folder / "weights.safetensors"))
    with torch.inference_mode():
        return model.eval()(torch.from_numpy(np.load(folder / "inputs.npy"))).numpy()


def torch_losses(module: dict[str, Any], folder: Path) -> list[float]:
    import torch
    from safetensors.torch import load_file

    torch.manual_seed(0)
    inputs, labels = torch.from_numpy(np.load(folder / "inputs.npy")), torch.zeros(3).long()
    model, loss = module["build_model"](), module["build_loss"]()
    module["set_weights"](model, load_file(folder / "weights.safetensors"))
    optimizer = module["build_optimizer"](model)
    logits = model.logits if callable(getattr(model, "logits", None)) else model
    model.eval()
    before = loss(logits(inputs), labels).item()
    model.train()
    loss(logits(inputs), labels).backward()
    optimizer.step()
    model.eval()
    return [before, loss(logits(inputs), labels).item()]


def run(backend: str, folder: Path) -> None:
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        module = runpy.run_path(str(folder / "module.py"), run_name="__main__")
    (folder / "shown.txt").write_text(stdout.getvalue(), encoding="utf-8")
    outputs, losses = {
        "keras": (keras_outputs, keras_losses),
        "torch": (torch_outputs, torch_losses),
    }[backend]
    np.save(folder / "outputs.npy", outputs(module, folder))
    if "build_loss" in module:
        np.save(folder / "losses.npy", losses(module, folder))


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.meta_path.insert(0, WithoutNetspec())
    for folder in sorted(Path(sys.argv[2]).iterdir()):
        try:
            run(sys.argv[1], folder)
        except Exception:
            (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
