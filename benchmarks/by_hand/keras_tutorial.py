"""The convolutional network of the TensorFlow tutorial on MNIST, hand-written with Keras.

https://www.tensorflow.org/tutorials/images/cnn, in its edition on MNIST, which ends in softmax.
"""

from __future__ import annotations

import argparse
from typing import Any

import keras
from keras import layers
from numpy.typing import NDArray

from benchmarks.by_hand.mnist import load_data


def compiled_model() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model


def train_epoch(model: keras.Model, images: NDArray[Any], labels: NDArray[Any]) -> None:
    """Images (n, 28, 28, 1), from 0 to 1; batches of 32 are Keras's default."""
    model.fit(images, labels, epochs=1, verbose=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000, help="train on the first of them")
    parser.add_argument("--first-step", action="store_true", help="say when it is done, and end")
    options = parser.parse_args()

    (train_images, train_labels), (test_images, test_labels) = load_data()
    train_images = train_images.reshape((-1, 28, 28, 1)).astype("float32") / 255
    test_images = test_images.reshape((-1, 28, 28, 1)).astype("float32") / 255

    keras.utils.set_random_seed(options.seed)
    model = compiled_model()
    if options.first_step:
        model.train_on_batch(train_images[:32], train_labels[:32])
        print("first step", flush=True)
        return
    for _ in range(options.epochs):
        train_epoch(model, train_images[: options.images], train_labels[: options.images])
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    print(f"test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
