"""Data that are not Gaussian, training on them, and the options of the head."""

import numpy as np
import pytest
from scipy.special import ndtr

from ncl_lib import L2Matrices, LinearNetwork, Setting, train
from ncl_lib.data import HeavyTails, LatentClasses, Mixture

N = 200_000


@pytest.mark.parametrize("data", [Mixture(3, 0.8), HeavyTails(3, 9.0), HeavyTails(3, 9.0, elliptical=False)])
def test_data_are_white(data, rng):
    x = data(N, rng)
    products = x[:, :, None] * x[:, None, :]
    # Largest of nine entries: 4.5 standard errors, measured on the sample itself; t with 9 degrees has them.
    assert np.all(np.abs(products.mean(axis=0) - np.eye(3)) < 4.5 * products.std(axis=0) / np.sqrt(N))
    assert np.all(np.abs(x.mean(axis=0)) < 4.5 / np.sqrt(N))


def test_families_differ_in_what_they_should(rng):
    lengths = {
        name: np.sum(data(N, rng) ** 2, axis=1)
        for name, data in (("whole", HeavyTails(20, 5.0)), ("parts", HeavyTails(20, 5.0, False)))
    }
    assert lengths["whole"].std() > 1.5 * lengths["parts"].std()
    x = Mixture(3, 1.0)(100, rng)
    assert np.all(np.count_nonzero(x, axis=1) == 1) and np.unique(np.abs(x)).tolist() == pytest.approx([0, np.sqrt(3)])


def test_attributes_and_their_bayes_accuracy(rng):
    data = LatentClasses([1.0, 0.5, 0.0], [1.0, 0.25, 2.0])
    x, y = data.labelled(N, rng)
    assert np.var(x, axis=0) == pytest.approx(data.spectrum, rel=4.5 * np.sqrt(2 / N))
    right = np.mean(np.sign(x) == y, axis=0)
    assert right == pytest.approx(data.bayes_accuracy, abs=4.5 * 0.5 / np.sqrt(N))


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_probe_accuracy_is_that_of_fitted_probes(ridge, rng):
    """A mixing encoder: no direction of its own for any attribute."""
    data = LatentClasses([1.0, 0.8, 1.5, 0.0], [0.5, 0.5, 1.0, 1.0])
    Phi = rng.standard_normal((3, 4))
    x, y = data.labelled(N, rng)
    u = x @ Phi.T
    probes = np.linalg.solve(u.T @ u / N + ridge * np.eye(3), u.T @ y / N)
    fresh, labels = data.labelled(N, rng)
    right = np.mean(np.sign(fresh @ Phi.T @ probes) == labels, axis=0)
    expected = data.probe_accuracy(Phi, ridge)
    # Sampling error of a share, doubled for that of the probe itself.
    assert right[:3] == pytest.approx(expected[:3], abs=2 * 4.5 * 0.5 / np.sqrt(N))
    assert expected[3] == 0.5 and np.all(expected[:3] <= data.bayes_accuracy[:3] + 1e-12)


def test_aligned_encoders_keep_bayes_accuracy_however_weak_they_are():
    data = LatentClasses([1.0, 0.5], [1.0, 0.5])
    assert data.probe_accuracy(np.diag([1.0, 1e-5])) == pytest.approx(ndtr([1.0, 0.5 / np.sqrt(0.5)]))
    assert data.probe_accuracy(np.zeros((2, 2))).tolist() == [0.5, 0.5]


def test_training_on_given_gaussian_data_follows_the_same_flow(rng):
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(6, 3, rng)
    given = train(
        start,
        setting,
        learning_rate=0.01,
        steps=300,
        batch=2048,
        rng=rng,
        data=lambda n, rng: rng.standard_normal((n, 6)),
    )
    theory = L2Matrices(setting).solve(start.W, start.F, given.t)
    assert np.abs(given.F - theory.F).max() < 0.03


def test_the_l2_loss_sees_second_moments_only(rng):
    """Rung 3 is exact for any data with the covariance of the theory."""
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(6, 3, rng)
    run = train(start, setting, learning_rate=0.01, steps=300, batch=2048, rng=rng, data=Mixture(6, 0.9))
    assert np.abs(run.F - L2Matrices(setting).solve(start.W, start.F, run.t).F).max() < 0.05


def test_no_stop_gradient_on_given_data(rng):
    """Without head or stop-gradient the law is e^{-(2 sigma^2 + rho) t}."""
    start = LinearNetwork.random(6, 3, rng)
    options = dict(learning_rate=0.01, steps=200, batch=1024, rng=rng, head=False, stop_gradient=False)
    run = train(start, Setting(0.5, 0.1), data=HeavyTails(6, 9.0), **options)
    assert np.trace(run.F[-1]) / np.trace(run.F[0]) == pytest.approx(np.exp(-2 * 1.1 * 2.0), rel=0.05)


def test_rate_and_decay_of_the_head_have_their_balance_laws(rng):
    start = LinearNetwork.random(6, 3, rng)
    run = train(start, Setting(0.5, 0.1), learning_rate=1e-3, steps=3000, batch=64, rng=rng, head_rate=3.0)
    law = run.F - run.W.mT @ run.W / 3
    assert np.abs(law[-1] - np.exp(-0.2 * 3) * law[0]).max() < 0.01
    run = train(
        start, Setting(0.5, 0.1), loss="cosine", learning_rate=1e-3, steps=3000, batch=64, rng=rng, head_decay=0.4
    )
    assert np.linalg.norm(run.W[-1]) / np.linalg.norm(run.W[0]) == pytest.approx(np.exp(-1.2), rel=0.01)
    assert np.trace(run.F[-1]) / np.trace(run.F[0]) == pytest.approx(np.exp(-0.6), rel=0.01)


def test_data_and_heads_of_the_wrong_shape_are_named(rng):
    start = LinearNetwork.random(6, 3, rng)
    with pytest.raises(ValueError, match=r"data: drew shape \(128, 5\); expected \(128, 6\)"):
        train(start, Setting(0.5, 0.1), steps=1, rng=rng, data=lambda n, rng: np.zeros((n, 5)))
    with pytest.raises(ValueError, match=r"head: made a matrix of shape \(2, 2\)"):
        train(start, Setting(0.5, 0.1), steps=1, rng=rng, head=lambda F: np.eye(2))


def test_fitted_probes_come_to_the_exact_accuracy(rng):
    data = LatentClasses([1.0, 0.7, 0.0], [1.0, 1.0, 1.0])
    Phi = rng.normal(size=(2, 3))
    exact = data.probe_accuracy(Phi)
    found = data.fitted_accuracy(Phi, rng, train=20_000, test=40_000)
    assert np.abs(found - exact).max() < 4 * 0.5 / np.sqrt(40_000) + 0.002  # and the error of the fit
    # Noise of the size of the features costs accuracy: that of an aligned mode in closed form.
    noisy = data.fitted_accuracy(np.eye(3), rng, resolution=1.0, train=20_000, test=40_000)
    noise = np.mean(data.spectrum)
    assert noisy[:2] == pytest.approx(ndtr(np.array([1.0, 0.7]) / np.sqrt(1 + noise)), abs=0.012)
    # Features that have collapsed can be read at a relative resolution, and not at an absolute one.
    options = dict(resolution=0.01, train=20_000, test=40_000)
    assert data.fitted_accuracy(1e-100 * np.eye(3), rng, **options)[0] == pytest.approx(ndtr(1.0), abs=0.01)
    assert data.fitted_accuracy(1e-100 * np.eye(3), rng, relative=False, **options)[0] == pytest.approx(0.5, abs=0.02)
