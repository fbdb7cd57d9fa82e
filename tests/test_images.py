"""Loaders on files that the tests write, and the linear probe."""

import builtins
import pickle

import numpy as np
import pytest
from PIL import Image

from ncl_lib.images import Images, linear_probe, load_cifar10, load_digits, load_image_folder


def write_cifar(folder, rng, each=3):
    """The files of CIFAR-10, with few images."""
    folder.mkdir()
    everything = {}
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        batch = {
            b"data": rng.integers(256, size=(each, 3072), dtype=np.uint8),
            b"labels": rng.integers(10, size=each).tolist(),
        }
        (folder / name).write_bytes(pickle.dumps(batch))
        everything[name] = batch
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"airplane", *[b"thing"] * 8, b"truck"]}))
    return everything


def test_cifar10_is_read_channel_by_channel(tmp_path, rng):
    files = write_cifar(tmp_path / "cifar-10-batches-py", rng)
    for folder in (tmp_path, str(tmp_path / "cifar-10-batches-py")):
        images = load_cifar10(folder)
        assert images.train.shape == (15, 32, 32, 3) and images.test.shape == (3, 32, 32, 3)
        assert images.classes[0] == "airplane" and images.classes[-1] == "truck"
        pixels = files["data_batch_2"][b"data"][1]
        # The fourth image: red, green and blue planes of 32 x 32 one after the other.
        assert images.train[4, 5, 7] == pytest.approx(pixels[[5 * 32 + 7, 1024 + 5 * 32 + 7, 2048 + 5 * 32 + 7]] / 255)
        assert images.train_labels[3:6].tolist() == files["data_batch_2"][b"labels"]


@pytest.mark.parametrize("missing", ["batches.meta", "data_batch_3", "test_batch"])
def test_missing_files_of_cifar10_are_named_with_where_to_get_them(missing, tmp_path, rng):
    write_cifar(tmp_path / "cifar", rng)
    (tmp_path / "cifar" / missing).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{missing} is not there; .*cs\.toronto\.edu.*nothing is downloaded"):
        load_cifar10(tmp_path / "cifar")


def test_broken_files_of_cifar10_are_refused(tmp_path, rng):
    write_cifar(tmp_path / "cifar", rng)
    batch = tmp_path / "cifar" / "data_batch_1"
    whole = batch.read_bytes()
    for content, word in ((whole[:100], "cannot be read"), (pickle.dumps({b"data": 1}), "holds no labels")):
        batch.write_bytes(content)
        with pytest.raises(ValueError, match=word):
            load_cifar10(tmp_path / "cifar")


def test_a_pickle_cannot_run_anything(tmp_path, rng):
    class Attack:
        def __reduce__(self):
            return print, ("attacked",)

    write_cifar(tmp_path / "cifar", rng)
    (tmp_path / "cifar" / "data_batch_1").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(ValueError, match=r"asks for builtins\.print"):
        load_cifar10(tmp_path / "cifar")


def write_folders(folder, parts=("train", "val"), classes=("cat", "dog"), each=3):
    for part in parts:
        for k, name in enumerate(classes):
            place = folder / part / name
            place.mkdir(parents=True)
            for j in range(each):
                Image.new("RGB", (40, 20 + j), (50 * k + 10, 0, 200)).save(place / f"{j}.{'png' if j else 'jpg'}")


def test_image_folders_are_read_scaled_and_cut(tmp_path):
    write_folders(tmp_path)
    images = load_image_folder(tmp_path, size=16)
    assert images.train.shape == (6, 16, 16, 3) and images.test.shape == (6, 16, 16, 3)
    assert images.classes == ("cat", "dog") and images.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.train[4, 8, 8] == pytest.approx([60 / 255, 0, 200 / 255], abs=1e-6)
    assert len(load_image_folder(tmp_path, size=16, most=2).train) == 4


def test_scaling_keeps_proportions(tmp_path):
    write_folders(tmp_path, each=1)
    # Left half black, right half white, twice as wide as high: the middle square has its edge in the middle.
    wide = Image.fromarray(np.tile(np.repeat([0, 255], 32).astype(np.uint8), (32, 1)))
    wide.convert("RGB").save(tmp_path / "train" / "cat" / "0.jpg", quality=100)
    image = load_image_folder(tmp_path, size=32).train[0, :, :, 0]
    assert image[:, :14].max() < 0.1 and image[:, 18:].min() > 0.9


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder 'train'"):
        load_image_folder(tmp_path)
    write_folders(tmp_path, parts=("train",))
    with pytest.raises(FileNotFoundError, match="no folder 'val' or 'test'"):
        load_image_folder(tmp_path)
    write_folders(tmp_path, parts=("test",), classes=("cat", "cow"))
    with pytest.raises(ValueError, match="cow, dog in one of 'train' and 'test' only"):
        load_image_folder(tmp_path)
    (tmp_path / "test" / "cow").rename(tmp_path / "test" / "dog")
    # What systems and editors leave behind is none of the data.
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "train" / "dog" / ".DS_Store").write_text("no image")
    assert len(load_image_folder(tmp_path, size=4).train) == 6
    (tmp_path / "train" / "dog" / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=r"notes\.txt is not an image, or damaged"):
        load_image_folder(tmp_path)


def test_empty_folders_are_named(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part / "cat").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="no images in 'train'"):
        load_image_folder(tmp_path)


def test_digits_are_split_by_writer_and_standardised():
    digits = load_digits()
    assert len(digits.train) == len(digits.train_labels) == 1197 and len(digits.test) == 600
    assert set(digits.test_labels) == set(range(10)) and digits.classes == tuple("0123456789")
    flat = digits.standardised()
    assert np.abs(flat.train.mean(axis=0)).max() < 1e-6 and flat.train.var(axis=0).mean() == pytest.approx(
        1.0, rel=1e-5
    )
    # The test images are moved by the same amount as the training images, not by their own mean.
    assert flat.test == pytest.approx(
        (digits.test - digits.train.mean(axis=0)) / np.sqrt(digits.train.var(axis=0).mean()), abs=1e-5
    )


def test_what_only_some_readers_need_is_asked_for_in_words(monkeypatch):
    original = builtins.__import__

    def without(name, *rest, **options):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return original(name, *rest, **options)

    monkeypatch.setattr("importlib.import_module", lambda name: without(name))
    with pytest.raises(ImportError, match=r"scikit-learn is needed here.*pip install 'ncl-lib\[images\]'"):
        load_digits()


def test_probe_finds_what_is_linear_and_only_that(rng):
    x = rng.standard_normal((4000, 3))
    linear, parity = (x[:, 0] > 0).astype(int), (x[:, 0] * x[:, 1] > 0).astype(int)
    assert linear_probe(x[:2000], linear[:2000], x[2000:], linear[2000:]) > 0.97
    # Half, within 4.5 standard errors of a share of 2000.
    assert abs(linear_probe(x[:2000], parity[:2000], x[2000:], parity[2000:]) - 0.5) < 4.5 * 0.5 / np.sqrt(2000)


def test_probe_is_blind_to_overall_size_and_not_to_relative_size(rng):
    y = rng.integers(2, size=4000)
    x = np.stack([2.0 * y + rng.standard_normal(4000), 10 * rng.standard_normal(4000)], axis=1)
    args = y[:2000], y[2000:]

    def probe(x, ridge=0.1):
        return linear_probe(x[:2000], args[0], x[2000:], args[1], ridge=ridge)

    assert probe(1e-20 * x) == probe(x)
    weak = x * [1e-3, 1.0]
    assert probe(weak, ridge=10.0) < probe(weak, ridge=1e-9) - 0.1


def test_probe_on_features_that_do_not_vary_guesses_the_most_frequent():
    assert linear_probe(np.ones((4, 2)), [0, 1, 1, 1], np.ones((2, 2)), [1, 0]) == 0.5


def test_images_of_the_wrong_shape_are_named():
    good = np.zeros((2, 4, 4, 1)), np.zeros(2)
    with pytest.raises(ValueError, match="train: has shape"):
        Images(np.zeros((2, 4, 4)), good[1], *good, ("a",))
    with pytest.raises(ValueError, match="test_labels: has shape"):
        Images(*good, good[0], np.zeros(3), ("a",))
