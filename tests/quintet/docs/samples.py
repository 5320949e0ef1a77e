"""The files that the documentation's commands name, made of bundled data."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

AREAS = ("north", "south", "west")


def write(folder: Path) -> None:
    """Write tables, a series and reviews as csv, images into photos/ and more/, and signals.npz."""
    draw = np.random.default_rng(0)
    houses = load_diabetes(as_frame=True).frame.rename(columns={"target": "price"}).round(4)
    houses.insert(0, "area", draw.choice(AREAS, len(houses)))
    houses.loc[draw.random(len(houses)) < 0.05, "bmi"] = np.nan
    houses.to_csv(folder / "houses.csv", index=False)
    houses.drop(columns="price").head(20).to_csv(folder / "new.csv", index=False)
    patients = load_breast_cancer(as_frame=True)
    named = patients.frame.assign(diagnosis=np.where(patients.target, "benign", "malignant"))
    named.drop(columns="target").to_csv(folder / "patients.csv", index=False)
    digits = load_digits()
    for i in range(500):
        place = folder / ("photos" if i < 300 else "more") / f"digit_{digits.target[i]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[i] * 15).astype(np.uint8)).save(place / f"{i:03d}.png")
    signals = digits.images[:300].astype(np.float32)
    np.savez(folder / "signals.npz", x=signals, y=digits.target[:300])
    words = np.array([["good", "great", "loved"], ["dull", "slow", "bad"]])
    stars = draw.integers(2, size=300)
    texts = [" ".join([*draw.choice(words[s], 3), "film", str(i)]) for i, s in enumerate(stars)]
    reviews = pd.DataFrame({"review": texts, "stars": np.where(stars, "few", "many")})
    reviews.to_csv(folder / "reviews.csv", index=False)
    month = np.arange(240)
    units = 100 + month / 4 + 20 * np.sin(month * np.pi / 6) + draw.normal(0, 3, len(month))
    pd.DataFrame({"month": month, "units": units.round(2)}).to_csv(
        folder / "sales.csv", index=False
    )
