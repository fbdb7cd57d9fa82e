"""Images to train on: scikit-learn's digits, and CIFAR-10 or folders of images that the reader already has.

Nothing is ever downloaded.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import _checks


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images, split into a part to train on and one to test on.

    Attributes
    ----------
    train, test : array of shape (n, height, width, channels)
        Brightness between 0 and 1, single precision.
    train_labels, test_labels : array of shape (n,)
        Whole numbers from 0.
    classes : tuple of str
        Their names.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.train.shape, digits.test.shape, len(digits.classes)
    ((1197, 8, 8, 1), (600, 8, 8, 1), 10)
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    classes: tuple

    def __post_init__(self):
        for part in ("train", "test"):
            images, labels = getattr(self, part), getattr(self, f"{part}_labels")
            if np.ndim(images) != 4 or len(images) == 0:
                raise ValueError(f"{part}: has shape {np.shape(images)}; expected (n, height, width, channels), n >= 1")
            if np.shape(labels) != (len(images),):
                raise ValueError(f"{part}_labels: has shape {np.shape(labels)}; expected ({len(images)},)")
        if np.shape(self.train)[1:] != np.shape(self.test)[1:]:
            raise ValueError(
                f"test: images of shape {np.shape(self.test)[1:]}, but train has {np.shape(self.train)[1:]}"
            )

    def standardised(self):
        """The same with the mean training image taken out, and the mean variance of a pixel scaled to 1.

        The theory is about data of mean zero; images are far from it.

        Returns
        -------
        Images

        Examples
        --------
        >>> digits = load_digits().standardised()
        >>> bool(abs(digits.train.mean()) < 1e-5), round(float(digits.train.var(axis=0).mean()), 4)
        (True, 1.0)
        """
        mean = self.train.mean(axis=0)
        scale = np.sqrt(np.mean((self.train - mean) ** 2)) or 1.0
        return replace(self, train=(self.train - mean) / scale, test=(self.test - mean) / scale)


def load_digits():
    """Handwritten digits, 8 x 8 pixels, that come with scikit-learn: 1197 to train on, the last 600 to test on.

    Returns
    -------
    Images

    Raises
    ------
    ImportError
        If scikit-learn is not installed; the message says how to install it.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.

    Examples
    --------
    >>> float(load_digits().train.max())
    1.0
    """
    datasets = _optional("sklearn.datasets", "scikit-learn")
    bunch = datasets.load_digits()
    images = (bunch.images[..., None] / 16).astype(np.float32)
    # Mostly by other people than the first two thirds: the data are sorted by writer.
    names = tuple(str(name) for name in bunch.target_names)
    return Images(images[:-600], bunch.target[:-600], images[-600:], bunch.target[-600:], names)


_CIFAR = (
    "expected the folder 'cifar-10-batches-py' of the Python version of CIFAR-10, with data_batch_1 to data_batch_5, "
    "test_batch and batches.meta. Get cifar-10-python.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, "
    "unpack it, and pass the folder; nothing is downloaded for you"
)


def load_cifar10(folder):
    """CIFAR-10 from the folder `cifar-10-batches-py` of its Python version.

    Parameters
    ----------
    folder : str or pathlib.Path
        That folder, or the one that holds it.

    Returns
    -------
    Images
        32 x 32 pixels, three channels; 50,000 to train on and 10,000 to test on.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says where to get the data.
    ValueError
        If a file is not what it should be.

    References
    ----------
    A. Krizhevsky, Learning multiple layers of features from tiny images, 2009.

    Examples
    --------
    >>> try:
    ...     load_cifar10("/nowhere")
    ... except FileNotFoundError as error:
    ...     print(str(error)[:55])
    folder='/nowhere': batches.meta is not there; expected
    """
    folder = _folder(folder)
    if (folder / "cifar-10-batches-py").is_dir():
        folder = folder / "cifar-10-batches-py"
    parts = {}
    for part, names in (("train", [f"data_batch_{k}" for k in range(1, 6)]), ("test", ["test_batch"])):
        batches = [_batch(folder, name) for name in names]
        # Pixels lie channel by channel.
        pixels = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts[part] = pixels.astype(np.float32) / 255, np.concatenate([batch[b"labels"] for batch in batches])
    names = tuple(name.decode() for name in _batch(folder, "batches.meta", b"label_names")[b"label_names"])
    return Images(*parts["train"], *parts["test"], names)


def _batch(folder, name, *keys):
    """One pickled file of CIFAR-10, checked."""
    for required in ("batches.meta", name):
        if not (folder / required).is_file():
            raise FileNotFoundError(f"folder={str(folder)!r}: {required} is not there; {_CIFAR}")
    with open(folder / name, "rb") as file:
        try:
            batch = _PlainPickle(file, encoding="bytes").load()
        except (pickle.UnpicklingError, EOFError, ValueError, IndexError) as error:
            raise ValueError(f"folder={str(folder)!r}: {name} cannot be read ({error}); {_CIFAR}") from error
    if not isinstance(batch, dict):
        raise ValueError(f"folder={str(folder)!r}: {name} holds a {type(batch).__name__}; {_CIFAR}")
    missing = [key.decode() for key in keys or (b"data", b"labels") if key not in batch]
    if missing:
        raise ValueError(f"folder={str(folder)!r}: {name} holds no {', '.join(missing)}; {_CIFAR}")
    if not keys:
        data, labels = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"])
        right = data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == 3072 and labels.shape == data.shape[:1]
        if not right or labels.dtype.kind not in "iu" or np.any((labels < 0) | (labels > 9)):
            raise ValueError(f"folder={str(folder)!r}: {name} does not hold images of CIFAR-10; {_CIFAR}")
    return batch


class _PlainPickle(pickle.Unpickler):
    """Reads arrays and plain containers: a pickle from elsewhere must not be able to run anything."""

    _ALLOWED = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data set needs")
        return super().find_class(module, name)


def load_image_folder(folder, size=64, most=None):
    """Images from folders as ImageNet has them: ``folder/train/<class>/*`` and ``folder/val/<class>/*``.

    Each is scaled so that its shorter side has `size` pixels, and its centre is cut out.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds `train`, and `val` or `test`.
    size : int, optional
        Pixels a side.
    most : int, optional
        At most so many images a class and part; by default all. Everything is held in memory, 12 size^2 bytes an image:
        all of ImageNet at 64 pixels would be 63 GB.

    Returns
    -------
    Images
        Three channels. Classes in alphabetical order.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or holds no images; the message says what is expected.
    ValueError
        If a number is out of bounds, a class occurs in one part only, or a file is not an image.

    Examples
    --------
    >>> try:
    ...     load_image_folder("/nowhere")
    ... except FileNotFoundError as error:
    ...     print(str(error)[:49])
    folder='/nowhere': there is no folder 'train'; ex
    """
    Image, ImageOps = _optional("PIL.Image", "pillow"), _optional("PIL.ImageOps", "pillow")

    folder, size = _folder(folder), _checks.integer("size", size, minimum=1)
    most = None if most is None else _checks.integer("most", most, minimum=1)
    expected = "expected <folder>/train/<class>/<image> and <folder>/val/<class>/<image>, as ImageNet is laid out"

    def classes_of(part):
        return sorted(path.name for path in (folder / part).iterdir() if path.is_dir() and path.name[0] != ".")

    if not (folder / "train").is_dir():
        raise FileNotFoundError(f"folder={str(folder)!r}: there is no folder 'train'; {expected}")
    second = next((name for name in ("val", "test") if (folder / name).is_dir()), None)
    if second is None:
        raise FileNotFoundError(f"folder={str(folder)!r}: there is no folder 'val' or 'test'; {expected}")
    names = classes_of("train")
    if names != classes_of(second):
        odd = sorted(set(names) ^ set(classes_of(second)))
        raise ValueError(f"folder={str(folder)!r}: {', '.join(odd)} in one of 'train' and {second!r} only; {expected}")

    def read(part):
        found = []
        for label, name in enumerate(names):
            # Systems leave files of their own in folders.
            places = sorted(path for path in (folder / part / name).iterdir() if path.is_file())
            own = [path for path in places if path.name[0] != "." and path.name != "Thumbs.db"]
            found += [(path, label) for path in own[:most]]
        if not found:
            raise FileNotFoundError(f"folder={str(folder)!r}: no images in {part!r}; {expected}")
        images = np.empty((len(found), size, size, 3), dtype=np.float32)
        for k, (path, _label) in enumerate(tqdm(found, desc=part, unit="image", delay=2, leave=False)):
            try:
                with Image.open(path) as image:
                    image = ImageOps.exif_transpose(image).convert("RGB")
            except (OSError, Image.DecompressionBombError) as error:
                raise ValueError(f"folder={str(folder)!r}: {path} is not an image, or damaged ({error})") from error
            scale = size / min(image.size)
            wide, high = (max(size, round(side * scale)) for side in image.size)
            left, top = (wide - size) // 2, (high - size) // 2
            image = image.resize((wide, high), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
            images[k] = np.asarray(image, dtype=np.float32) / 255
        return images, np.array([label for _, label in found])

    return Images(*read("train"), *read(second), tuple(names))


def linear_probe(features, labels, test_features, test_labels, ridge=1e-3):
    r"""Share of test labels that a linear classifier on the features gets right.

    Ridge regression on the labels, one against all. Features are centred and divided by one number, their
    root-mean-square size, so that overall size does not matter but relative size does: a direction with a share of the
    variance far below `ridge` cannot be read.

    Parameters
    ----------
    features, test_features : array of shape (n, h)
    labels, test_labels : array of shape (n,)
    ridge : float, optional
        Penalty, > 0, in units of the mean variance of a feature.

    Returns
    -------
    float
        If the features do not vary at all, or there is one label only, the share of the most frequent label.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, features are not finite, or `ridge` is not > 0.
    ImportError
        If scikit-learn is not installed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=400)
    >>> x = np.stack([y + 0.1 * rng.standard_normal(400), rng.standard_normal(400)], axis=1)
    >>> linear_probe(x[:200], y[:200], x[200:], y[200:])
    1.0
    """
    features = _checks.array("features", features, ndim=2)
    test_features = _checks.array("test_features", test_features, ndim=2)
    if features.shape[1] != test_features.shape[1]:
        raise ValueError(f"test_features: {test_features.shape[1]} a datum, but {features.shape[1]} in features")
    _checks.same_length(features=features, labels=labels)
    _checks.same_length(test_features=test_features, test_labels=test_labels)
    ridge = _checks.number("ridge", ridge, above=0)
    linear_model = _optional("sklearn.linear_model", "scikit-learn")
    labels, test_labels = _checks.labels("labels", labels), _checks.labels("test_labels", test_labels)
    values, counts = np.unique(labels, return_counts=True)
    # Scaled first, so that features of size 1e-200 do not square to 0.
    largest = np.abs(features).max() or 1.0
    features, test_features = features / largest, test_features / largest
    mean = features.mean(axis=0)
    size = np.sqrt(np.mean((features - mean) ** 2))
    if size < 1e-12 or len(values) == 1:
        return float(np.mean(test_labels == values[np.argmax(counts)]))
    probe = linear_model.RidgeClassifier(alpha=ridge * len(features)).fit((features - mean) / size, labels)
    return float(probe.score((test_features - mean) / size, test_labels))


def _folder(folder):
    _checks.instance("folder", folder, (str, Path))
    return Path(folder).expanduser()


def _optional(module, package):
    """Import what only some readers need, or say how to get it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{package} is needed here and not installed: pip install 'ncl-lib[images]'") from error
