"""The convolutional network of the TensorFlow tutorial on MNIST, trained by Lightning's Trainer.

The module is from https://lightning.ai/docs/pytorch/stable/starter/introduction.html.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from typing import Any

import lightning
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.by_hand.mnist import load_data
from benchmarks.by_hand.torch_tutorial import Net

# It advises to use more workers and to look at its other products.
warnings.filterwarnings("ignore", module="lightning.*")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Tutorial(lightning.LightningModule):
    """Images (n, 1, 28, 28), from 0 to 1, to logits (n, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.loss = nn.CrossEntropyLoss()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        images, labels = batch
        loss = self.loss(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002
        images, labels = batch
        answers = self.net(images).argmax(1)
        self.log("test_accuracy", (answers == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters())


def loader(
    images: NDArray[Any], labels: NDArray[Any], size: int, *, shuffle: bool
) -> DataLoader[Any]:
    dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels).long())
    return DataLoader(dataset, batch_size=size, shuffle=shuffle)


def trainer(epochs: int, steps: int | None = None) -> lightning.Trainer:
    """A trainer that writes nothing; with `steps` an epoch is only so long."""
    return lightning.Trainer(
        max_epochs=epochs,
        limit_train_batches=steps,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000, help="train on the first of them")
    options = parser.parse_args()

    (train_images, train_labels), (test_images, test_labels) = load_data()
    train_images = train_images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    test_images = test_images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    train_images, train_labels = train_images[: options.images], train_labels[: options.images]

    lightning.seed_everything(options.seed, verbose=False)
    model, fitting = Tutorial(), trainer(options.epochs)
    fitting.fit(model, loader(train_images, train_labels, 32, shuffle=True))
    (figures,) = fitting.test(
        model, loader(test_images, test_labels, 1000, shuffle=False), verbose=False
    )
    print(f"test accuracy {figures['test_accuracy']:.4f}")


if __name__ == "__main__":
    main()
