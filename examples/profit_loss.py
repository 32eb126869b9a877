"""A loss of one's own, in money instead of squares: python examples/profit_loss.py

A baker reads on a smudged picture how many cakes will be asked for tomorrow, 0 to 9. A cake that is
sold earns 3, one that is left over costs 1. So too few are worse than too many, and the best order
under doubt is not the mean, to which squared errors lead, but one that suffices 3 times in 4.
"""

import numpy as np

import fastcnn
from fastcnn.layers import Conv2D, Dense, Flatten, MaxPooling2D

EARNED, LOST = 3.0, 1.0


def missed_profit(y_true, y_pred):
    """(n,): what an order y_pred earns less than the right one; both are (n, 1)."""
    short = np.maximum(y_true - y_pred, 0)
    left = np.maximum(y_pred - y_true, 0)
    return (EARNED * short + LOST * left)[:, 0]


def missed_profit_gradient(y_true, y_pred):
    """(n, 1): its derivative by y_pred."""
    return np.where(y_pred < y_true, -EARNED, LOST)


def smudged(images, seed):
    """Digits from 0 to 1 under noise of the same size."""
    noise = np.random.default_rng(seed).normal(0, 1, images.shape)
    return (images / 255 + noise).astype(np.float32)


def profit_of(loss):
    """Profit a day on unseen pictures of a model trained with this loss."""
    model = fastcnn.Sequential(
        [
            Conv2D(16, 3, padding="same", activation="relu"),
            MaxPooling2D(2),
            Flatten(),
            Dense(32, activation="relu"),
            Dense(1),
        ],
        seed=1,
    )
    model.compile({"name": "adam", "learning_rate": 0.002}, loss)
    model.fit(smudged(train.images, 0), train.labels, epochs=8, verbose=0)
    demand, order = test.labels, model.predict(smudged(test.images, 1))[:, 0].clip(0)
    return (EARNED * np.minimum(order, demand) - LOST * np.maximum(order - demand, 0)).mean()


data = fastcnn.datasets.load_digits()
train, test = data.train, data.test
in_money = fastcnn.losses.Custom(missed_profit, missed_profit_gradient)
in_money.check_gradient(np.array([[2.0], [5.0]]), np.array([[3.0], [1.0]]))
print(f"mean squared error: {profit_of('mean_squared_error'):.2f} a day")
print(f"missed profit: {profit_of(in_money):.2f} a day")
print(f"knowing the demand: {EARNED * test.labels.mean():.2f} a day")
