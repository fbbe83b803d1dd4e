"""The convolutional network of the TensorFlow tutorial on MNIST, hand-written with PyTorch.

The loop is from https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html.
"""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's users write it
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.by_hand.mnist import load_data

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Net(nn.Module):
    """Images (n, 1, 28, 28), from 0 to 1, to logits (n, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.fc1 = nn.Linear(576, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


class Training:
    """A model with what its training needs."""

    def __init__(
        self,
        images: NDArray[Any],
        labels: NDArray[Any],
        batch_size: int = 32,
        device: torch.device | str = DEVICE,
        *,
        compiled: bool = False,
    ) -> None:
        dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels).long())
        self.loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)
        self.device = device
        self.model = Net().to(device)
        self.forward = torch.compile(self.model) if compiled else self.model
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters())

    def epoch(self, steps: int | None = None) -> float:
        """Train for an epoch, or for its first steps; the sum of the batches' losses."""
        self.model.train()
        total = 0.0
        for images, labels in islice(self.loader, steps):
            images, labels = images.to(self.device), labels.to(self.device)
            loss = self.loss(self.forward(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total


@torch.inference_mode()
def accuracy(model: nn.Module, images: NDArray[Any], labels: NDArray[Any]) -> float:
    model.eval()
    batches = torch.from_numpy(images).split(1000)
    answers = torch.cat([model(batch.to(DEVICE)).argmax(1).cpu() for batch in batches])
    return (answers == torch.from_numpy(labels)).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000, help="train on the first of them")
    parser.add_argument("--first-step", action="store_true", help="say when it is done, and end")
    options = parser.parse_args()

    (train_images, train_labels), (test_images, test_labels) = load_data()
    train_images = train_images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    test_images = test_images.reshape((-1, 1, 28, 28)).astype("float32") / 255

    torch.manual_seed(options.seed)
    training = Training(train_images[: options.images], train_labels[: options.images])
    if options.first_step:
        training.epoch(1)
        print("first step", flush=True)
        return
    for _ in range(options.epochs):
        training.epoch()
    print(f"test accuracy {accuracy(training.model, test_images, test_labels):.4f}")


if __name__ == "__main__":
    main()
