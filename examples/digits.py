"""Train, save, load and look at mistakes, in Python: python examples/digits.py"""

import tempfile
from pathlib import Path

import numpy as np

import fastcnn
from fastcnn.layers import Conv2D, Dense, Flatten, MaxPooling2D

data = fastcnn.datasets.load_digits()
model = fastcnn.Sequential(
    [
        Conv2D(32, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(64, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    input_shape=(8, 8, 1),
    seed=1,
)
print(model.summary())

model.compile({"name": "adam", "learning_rate": 0.003}, "sparse_categorical_crossentropy")
model.fit(data.train.images, data.train.labels, epochs=15, validation_split=0.1)
print(model.evaluate(data.test.images, data.test.labels))

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.safetensors"
    model.save(path)
    again = fastcnn.load_model(path)

probabilities = again.predict(data.test.images)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != data.test.labels)
for k in wrong[:3]:
    guess = probabilities[k].argmax()
    print(f"a {data.test.labels[k]} was taken for a {guess} ({probabilities[k, guess]:.0%} sure)")
