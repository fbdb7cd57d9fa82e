"""The state of a run in a file: whoever is killed while writing keeps the previous one."""

from __future__ import annotations

import json
import os
import zipfile

import equinox as eqx
import numpy as np


def store(path, model, memory, records, k, what):
    """Write the state of a run; whoever is killed while writing keeps the previous one."""
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(partial, "w") as archive:
        with archive.open("weights", "w") as file:
            eqx.tree_serialise_leaves(file, (model, memory))
        columns = {name: np.array([record[name] for record in records]) for name in (records[0] if records else ())}
        with archive.open("records.npz", "w") as file:
            np.savez(file, **columns)
        archive.writestr("state", json.dumps({"k": k, **what}))
    os.replace(partial, path)


def restore(path, model, memory, what):
    """Read it back: model, memory of the optimiser, records, steps done."""
    name = f"checkpoint={str(path)!r}"
    try:
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read("state"))
            k = state.pop("k")
            differ = [key for key in what if state.get(key) != what[key]]
            if not differ:
                with archive.open("weights") as file:
                    model, memory = eqx.tree_deserialise_leaves(file, (model, memory))
                with archive.open("records.npz") as file:
                    columns = dict(np.load(file))
    except Exception as error:  # whatever a damaged file makes the readers raise
        raise ValueError(f"{name}: is not a checkpoint of train_deep, or damaged ({error!r})") from error
    if differ:
        raise ValueError(f"{name}: belongs to a run with another {', '.join(differ)}")
    count = len(columns["step"]) if columns else 0
    records = [{name: column[j] for name, column in columns.items()} for j in range(count)]
    return model, memory, [{**record, "step": int(record["step"])} for record in records], k
