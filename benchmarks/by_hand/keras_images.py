"""Folders of images on Keras, hand-written: image_dataset_from_directory and fit.

With `cache`, the decoded images stay in memory after the first epoch.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

import keras
import tensorflow as tf
from keras import layers


class Clock(keras.callbacks.Callback):
    """The seconds of every epoch; the first one begins with the object."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.began = perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        del epoch, logs
        now = perf_counter()
        self.seconds.append(now - self.began)
        self.began = now


def main() -> None:
    folder, size, classes, epochs = sys.argv[1], *map(int, sys.argv[2:5])
    clock = Clock()
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=32, shuffle=True, verbose=False
    )
    if "cache" in sys.argv:
        images = images.cache()
    images = images.map(lambda x, y: (x / 255, y)).prefetch(tf.data.AUTOTUNE)
    model = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, epochs=epochs, verbose=0, callbacks=[clock])
    print(json.dumps(clock.seconds))


if __name__ == "__main__":
    main()
