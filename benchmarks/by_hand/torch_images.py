"""Folders of images on PyTorch, hand-written: ImageFolder of torchvision and a DataLoader.

Where torchvision is not installed, a Dataset of the same work with Pillow takes its place.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

WORKERS = 2


class Folder(Dataset[tuple[torch.Tensor, int]]):
    """The images of a folder with a folder for every class."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        names = sorted(path.name for path in folder.iterdir())
        self.files = [
            (path, label)
            for label, name in enumerate(names)
            for path in sorted((folder / name).iterdir())
        ]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.files[index]
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255, label


def images_of(folder: Path, size: int) -> Dataset[tuple[torch.Tensor, int]]:
    try:
        from torchvision import datasets, transforms  # pyright: ignore[reportMissingImports]  # see below
    except (ImportError, RuntimeError) as error:  # not installed, or for another build of PyTorch
        print(f"torchvision is not used ({error}): a Dataset with Pillow takes its place")
        return Folder(folder, size)
    steps = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    return datasets.ImageFolder(folder, steps)


def main() -> None:
    folder, size, classes, epochs = Path(sys.argv[1]), *map(int, sys.argv[2:])
    began = perf_counter()
    images = images_of(folder, size)
    loader = DataLoader(
        images, batch_size=32, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(_features(size), classes),
    )
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    seconds: list[float] = []
    for _ in range(epochs):
        right = 0
        for batch, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            outputs = model(batch)
            loss = loss_of(outputs, labels)
            loss.backward()
            optimizer.step()
            right += (outputs.argmax(1) == labels).sum()
        now = perf_counter()
        seconds.append(now - began)
        began = now
    print(json.dumps(seconds))


def _features(size: int) -> int:
    for _ in range(2):
        size = (size - 3) // 2 + 1
    return 32 * size**2


if __name__ == "__main__":
    main()
