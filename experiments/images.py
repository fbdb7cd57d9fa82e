"""SimSiam on images at full size: L2 against cosine loss, any encoder, decays over decades, several seeds.

    python experiments/images.py --data cifar10 --folder ~/data --encoder conv --out runs/cifar10

It trains on a GPU if JAX finds one (``pip install 'jax[cuda13]'``), shows its progress, and keeps a checkpoint of
every run. Started again after it was stopped or killed, it goes on where it was; finished runs are not repeated.
All images are held in memory; for ImageNet, lay `val` out in a folder a class and take a part with ``--most``.
Results stand in ``<out>/results.jsonl``, one line a run, and the records of each run beside it.
"""

import argparse
import itertools
import json
import os
from pathlib import Path

import jax
import numpy as np

from ncl_lib import Regime
from ncl_lib.deep import Augmentation, conv_encoder, images_source, linear_encoder, mlp_encoder, train_deep
from ncl_lib.images import linear_probe, load_cifar10, load_digits, load_image_folder


def options():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "cifar10", "folder"], default="digits")
    parser.add_argument("--folder", help="where CIFAR-10, or train/ and val/ with a folder a class, lie")
    parser.add_argument("--size", type=int, default=64, help="pixels a side, for --data folder")
    parser.add_argument("--most", type=int, help="at most so many images a class, for --data folder")
    parser.add_argument("--encoder", choices=["linear", "mlp", "conv"], default="conv")
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 128, 256], help="of the convolutional encoder")
    parser.add_argument("--width", type=int, default=1024, help="of the hidden layers of --encoder mlp")
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--losses", nargs="+", choices=["l2", "cosine"], default=["l2", "cosine"])
    parser.add_argument("--decays", type=float, nargs="+", default=[1e-5, 1e-4, 1e-3, 1e-2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=0.01, help="learning rate")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--shift", type=int, default=4, help="pixels by which a view may move")
    parser.add_argument("--brightness", type=float, default=0.3)
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--mirror", action="store_true")
    parser.add_argument("--checkpoint-every", type=int, default=1000)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and results")
    return parser.parse_args()


def load(choices):
    """Images of the data set asked for, standardised."""
    if choices.data != "digits" and choices.folder is None:
        raise SystemExit(f"--data {choices.data} needs --folder: the folder in which the data lie")
    loaders = {
        "digits": load_digits,
        "cifar10": lambda: load_cifar10(choices.folder),
        "folder": lambda: load_image_folder(choices.folder, size=choices.size, most=choices.most),
    }
    try:
        return loaders[choices.data]().standardised()
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(str(error)) from error


def build(choices, shape, seed):
    """Encoder at its start."""
    if choices.encoder == "linear":
        return linear_encoder(shape, choices.features, seed)
    if choices.encoder == "mlp":
        return mlp_encoder(shape, choices.features, seed, width=choices.width, depth=2)
    return conv_encoder(shape, choices.features, seed, channels=choices.channels)


def summary(run, images):
    """What is reported of a run: the theory's diagnostics at its end, and what a linear probe reads."""
    accuracy = linear_probe(
        run.features(images.train), images.train_labels, run.features(images.test), images.test_labels
    )
    regimes = run.regimes[-1]
    return {
        "status": str(run.status),
        "accuracy": accuracy,
        "effective_rank": float(run.effective_rank[-1]),
        "alignment": float(run.alignment[-1]),
        "commutator": float(run.commutator[-1]),
        "norm_spread": float(run.norm_spread[-1]),
        "size": float(np.trace(run.covariance[-1])),
        **{regime.value: int(np.sum(regimes == regime)) for regime in Regime},
    }


def remember(choices):
    """Write down what makes a run, or refuse to mix runs of other kinds into one table."""
    free = ("out", "losses", "decays", "seeds", "checkpoint_every")
    now = {name: value for name, value in sorted(vars(choices).items()) if name not in free}
    file = choices.out / "options.json"
    try:
        before = json.loads(file.read_text()) if file.exists() else now
    except json.JSONDecodeError as error:
        raise SystemExit(f"{file}: is damaged ({error}); delete it if its runs are those you now ask for") from error
    differ = [name for name in now if before.get(name) != now[name]]
    if differ:
        raise SystemExit(f"--out {choices.out}: holds runs with another {', '.join(differ)}; take another folder")
    write(file, json.dumps(now))


def write(file, text):
    """Write a file whole: whoever is killed while writing keeps the old one."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text)
    os.replace(partial, file)


def finished(table):
    """Results that stand in the table; a last line that a killed run left half written is dropped."""
    lines = table.read_text().splitlines() if table.exists() else []
    done = []
    for number, line in enumerate(lines, 1):
        try:
            done.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise SystemExit(f"{table}: line {number} is damaged ({error}); mend or delete it") from error
            print(f"{table}: the last line is cut off, and dropped; its run is read from its checkpoint")
            write(table, "".join(json.dumps(row) + "\n" for row in done))
    return done


def main():
    """Do what is not done yet."""
    choices = options()
    images = load(choices)
    print(f"{len(images.train)} images of shape {images.train.shape[1:]}; JAX runs on {jax.devices()[0].platform}")
    choices.out.mkdir(parents=True, exist_ok=True)
    remember(choices)
    table = choices.out / "results.jsonl"
    done = finished(table)
    augmentation = Augmentation(choices.shift, choices.brightness, choices.noise, choices.mirror)
    for loss, rho, seed in itertools.product(choices.losses, choices.decays, choices.seeds):
        point = {"data": choices.data, "encoder": choices.encoder, "loss": loss, "rho": rho, "seed": seed}
        if any(all(row[name] == value for name, value in point.items()) for row in done):
            continue
        name = f"{choices.data}-{choices.encoder}-{loss}-{rho:g}-{seed}"
        run = train_deep(
            build(choices, images.train.shape[1:], seed),
            images_source(images.train),
            augmentation,
            rho=rho,
            loss=loss,
            learning_rate=choices.rate,
            momentum=choices.momentum,
            steps=choices.steps,
            batch=choices.batch,
            seed=seed,
            checkpoint=choices.out / f"{name}.checkpoint",
            checkpoint_every=choices.checkpoint_every,
        )
        if run.status == "interrupted":
            raise SystemExit(f"{name}: stopped at t = {run.status.time:g}; start again to go on from there")
        row = {**point, **summary(run, images)}
        np.savez(choices.out / f"{name}.npz", t=run.t, heads=run.heads, effective_rank=run.effective_rank)
        with open(table, "a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        done.append(row)
        print(f"{name}: accuracy {row['accuracy']:.3f}, effective rank {row['effective_rank']:.1f}, {row['status']}")
    print(f"{'encoder':8} {'loss':7} {'rho':>8}  accuracy           effective rank")
    for encoder, loss, rho in sorted({(row["encoder"], row["loss"], row["rho"]) for row in done}):
        rows = [row for row in done if (row["encoder"], row["loss"], row["rho"]) == (encoder, loss, rho)]
        broken = sum(row["status"] != "ok" for row in rows)
        rows = [row for row in rows if row["status"] == "ok"]
        if not rows:
            print(f"{encoder:8} {loss:7} {rho:8g}  all {broken} runs broke off")
            continue
        cells = []
        for column in ("accuracy", "effective_rank"):
            values = np.array([row[column] for row in rows])
            error = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.3f}{error}")
        print(
            f"{encoder:8} {loss:7} {rho:8g}  {cells[0]:18} {cells[1]}" + (f"  ({broken} broke off)" if broken else "")
        )


if __name__ == "__main__":
    main()
