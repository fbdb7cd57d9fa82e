"""Rung 4: training against the exact flow above it, and each switch against its own closed form."""

import numpy as np
import pytest

import ncl_lib.network
from ncl_lib import CosineMatrices, L2Matrices, LinearNetwork, Setting, eigenmodes, train
from ncl_lib.losses import COSINE, L2, Loss


def gradients(network, x, other, setting, stop_gradient=True, head=True):
    """Gradient of the batch loss plus decay, by central differences on the definition."""

    def loss(Phi, W, Phi_target):
        p = x @ Phi.T @ (W.T if head else np.eye(len(W)))
        decay = setting.rho / 2 * (np.sum(Phi**2) + (np.sum(W**2) if head else 0))
        return np.mean(np.sum((p - other @ Phi_target.T) ** 2, axis=1)) / 2 + decay

    result, step = [], 1e-6
    for which in range(2):
        M = (network.Phi, network.W)[which]
        G = np.zeros_like(M)
        for index in np.ndindex(M.shape):
            values = []
            for sign in (1, -1):
                pair = [network.Phi.copy(), network.W.copy()]
                pair[which][index] += sign * step
                values.append(loss(*pair, network.Phi if stop_gradient else pair[0]))
            G[index] = (values[0] - values[1]) / (2 * step)
        result.append(G)
    return result


@pytest.mark.parametrize("h", [2, 4])
@pytest.mark.parametrize("switches", [{}, {"stop_gradient": False}, {"head": False}])
@pytest.mark.parametrize("spectrum", [1.0, np.array([0.5, 1.0, 1.5, 2.0])])
def test_a_step_is_the_gradient_of_the_loss(h, switches, spectrum, rng, monkeypatch):
    """One step of train, its own batch caught and differentiated numerically."""
    setting, network = Setting(0.5, 0.1, spectrum), LinearNetwork.random(4, h, rng)
    caught = {}
    original = ncl_lib.views.Views.sample

    def catch(self, Phi, target):
        z, u, v, xi = original(self, Phi, target)
        if not caught:
            x = z * self.root_s
            # The other view, or any point with the same features when only those are drawn.
            other = x * self.carry + xi * self.fresh if xi.shape[1] == 4 else v @ np.linalg.pinv(Phi).T
            caught.update(x=x, other=other, u=u.copy(), v=v.copy())
        return z, u, v, xi

    monkeypatch.setattr(ncl_lib.views.Views, "sample", catch)
    run = train(network, setting, learning_rate=0.01, steps=1, batch=16, rng=rng, **switches)
    assert caught["u"] == pytest.approx(caught["x"] @ network.Phi.T)
    assert caught["v"] == pytest.approx(caught["other"] @ network.Phi.T)
    dPhi, dW = gradients(network, caught["x"], caught["other"], setting, **switches)
    assert (network.Phi - run.network.Phi) / 0.01 == pytest.approx(dPhi, abs=1e-6)
    if switches.get("head", True):
        assert pytest.approx(dW, abs=1e-6) == (network.W - run.network.W) / 0.01
    else:
        assert np.all(run.network.W == network.W) and np.all(np.eye(h) == run.W)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("spectrum", [1.0, np.array([0.2, 0.5, 1.0, 1.5, 2.0])])
def test_views_have_the_covariance_of_the_theory(spectrum, whole, rng):
    setting, batch = Setting(0.5, 0.0, spectrum), 100_000
    Phi = rng.normal(size=(3, 5))
    views = ncl_lib.views.Views(setting, batch, 3, 5, rng, whole)
    _z, u, v, _xi = views.sample(Phi, Phi)
    signal = np.diag(np.broadcast_to(spectrum, 5))
    noise = 0.5 * np.eye(5)
    exact = {
        "uu": (u, u, Phi @ (signal + noise) @ Phi.T),
        "uv": (u, v, Phi @ signal @ Phi.T),
        "vv": (v, v, Phi @ (signal + noise) @ Phi.T),
    }
    for a, b, expected in exact.values():
        products = a[:, :, None] * b[:, None, :]
        error = products.std(axis=0) / np.sqrt(batch)
        # Largest of nine entries: 4.5 standard errors.
        assert np.all(np.abs(products.mean(axis=0) - expected) < 4.5 * error)


def test_noiseless_and_rank_deficient_features_can_be_drawn(rng):
    assert train(LinearNetwork.random(6, 3, rng), Setting(0.0, 0.0), steps=5, rng=rng).status == "ok"
    Phi = rng.normal(size=(3, 6))
    Phi[2] = Phi[1]
    run = train(LinearNetwork(Phi, np.eye(3)), Setting(0.5, 0.0), steps=5, rng=rng)
    assert run.status == "ok" and run.F[-1] == pytest.approx(run.network.F)


def test_training_approaches_the_matrix_flow_as_the_root_of_the_batch(rng):
    """Error against rung 3 falls as batch^(-1/2): the slope over a factor of 256, from 12 runs each."""
    setting, eta, steps = Setting(0.5, 0.05), 0.002, 500
    start = LinearNetwork.random(6, 4, rng)
    flow = L2Matrices(setting).solve(start.W, start.F, [0.0, eta * steps])
    batches = np.array([4, 16, 64, 256, 1024])
    errors = []
    for batch in batches:
        runs = [train(start, setting, learning_rate=eta, steps=steps, batch=int(batch), rng=rng) for _ in range(12)]
        errors.append(np.sqrt(np.mean([np.sum((r.W[-1] - flow.W[-1]) ** 2) for r in runs])))
    slope = np.polyfit(np.log(batches), np.log(errors), 1)[0]
    # A root mean square over 12 runs of 16 entries is known to about 10 %; over ln 256 that is 0.04 on the slope.
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_training_error_is_first_order_in_the_learning_rate(rng):
    """With the sampling noise averaged away by a large batch, halving the rate halves the error."""
    setting, start = Setting(0.5, 0.3), LinearNetwork.from_modes([0.9, 0.5], [2.0, 0.4], 2, rng)
    exact = L2Matrices(setting).solve(start.W, start.F, [0.0, 2.0]).F[-1]
    errors = []
    for eta in (0.2, 0.1):
        runs = [
            train(start, setting, learning_rate=eta, steps=round(2 / eta), batch=100_000, rng=rng) for _ in range(3)
        ]
        errors.append(np.linalg.norm(np.mean([r.F[-1] for r in runs], axis=0) - exact))
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.4)


def test_without_head_features_decay_at_the_known_rate(rng):
    """With stop-gradient dPhi/dt = -(sigma2 + rho) Phi; without it -(2 sigma2 + rho) Phi."""
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(8, 4, rng)
    for stop_gradient, rate in ((True, 0.6), (False, 1.1)):
        run = train(
            start, setting, learning_rate=0.005, steps=400, batch=2000, rng=rng, head=False, stop_gradient=stop_gradient
        )
        shrunk = np.trace(run.F[-1]) / np.trace(run.F[0])
        assert np.log(shrunk) == pytest.approx(-2 * rate * run.t[-1], rel=0.03)


def test_without_stop_gradient_features_die_at_least_as_fast_as_the_bound(rng):
    """df/dt = 2 f (2 w - s w^2 - s) - 2 rho f, and 2 w - s w^2 <= 1/s."""
    setting, start = Setting(0.5, 0.01), LinearNetwork.from_modes([0.7, 0.3], [0.5, 1.0], 4, rng)
    run = train(start, setting, steps=600, batch=2000, rng=rng, stop_gradient=False)
    bound = np.exp(-2 * (setting.s - 1 / setting.s + setting.rho) * run.t)
    _w, f = eigenmodes(run.W, run.F)
    assert np.all(f.sum(axis=1) <= 1.05 * bound * f[0].sum())


def test_moving_average_target_lags_and_ends_at_ratio_one(rng):
    setting, start = Setting(0.5, 0.05), LinearNetwork.from_modes([0.4, 0.5], [0.3, 0.4], 4, rng)
    run = train(start, setting, steps=12000, batch=512, rng=rng, target_momentum=0.99)
    assert run.target_ratio[0] == 1
    assert abs(run.target_ratio - 1).max() > 0.003
    assert run.target_ratio[-20:].mean() == pytest.approx(1, abs=0.003)
    w, _ = eigenmodes(run.W[-20:], run.F[-20:])
    assert w.mean(axis=0) == pytest.approx([0.6122, 0.6122], abs=0.02)


def test_frozen_target_and_plain_target_are_the_limits_of_momentum(rng):
    setting, start = Setting(0.5, 0.05), LinearNetwork.random(5, 3, rng)
    options = dict(steps=50, batch=64, learning_rate=0.05)
    plain = train(start, setting, rng=np.random.default_rng(7), **options)
    follows = train(start, setting, rng=np.random.default_rng(7), target_momentum=0.0, **options)
    assert pytest.approx(plain.W) == follows.W and follows.target_ratio == pytest.approx(np.ones(len(plain.t)))
    frozen = train(start, setting, rng=np.random.default_rng(7), target_momentum=1.0, **options)
    expected = np.vdot(start.Phi, frozen.network.Phi) / np.vdot(frozen.network.Phi, frozen.network.Phi)
    assert frozen.target_ratio[-1] == pytest.approx(expected)


def test_same_seed_same_bits():
    start = LinearNetwork.random(9, 4, np.random.default_rng(1))
    runs = [train(start, Setting(0.5, 0.05), steps=40, rng=np.random.default_rng(2)) for _ in range(2)]
    assert np.array_equal(runs[0].W, runs[1].W) and np.array_equal(runs[0].loss, runs[1].loss)
    other = train(start, Setting(0.5, 0.05), steps=40, rng=np.random.default_rng(3))
    assert not np.array_equal(runs[0].W, other.W)


def test_the_start_is_left_alone_and_records_are_where_asked(rng):
    start = LinearNetwork.random(5, 3, rng)
    Phi, W = start.Phi.copy(), start.W.copy()
    run = train(start, Setting(0.5, 0.05), learning_rate=0.1, steps=25, record_every=10, rng=rng)
    assert run.t == pytest.approx([0, 1.0, 2.0, 2.5])
    assert np.array_equal(start.Phi, Phi) and np.array_equal(start.W, W)
    assert run.F[0] == pytest.approx(start.F) and run.F[-1] == pytest.approx(run.network.F)
    assert run.balance.shape == (4, 3, 3) and run.norms.phi.shape == (4,)


def test_loss_is_the_loss(rng):
    """Against its expectation 1/2 tr(s W F W^T - 2 W F + s F), within four standard errors over records."""
    setting, start = Setting(0.5, 0.0), LinearNetwork.random(6, 3, rng)
    run = train(start, setting, learning_rate=1e-12, steps=400, batch=200, record_every=1, rng=rng)
    W, F = start.W, start.F
    exact = np.trace(setting.s * W @ F @ W.T - 2 * W @ F + setting.s * F) / 2
    assert abs(run.loss.mean() - exact) < 4 * run.loss.std() / np.sqrt(len(run.loss))


def test_blow_up_returns_what_it_has(rng):
    run = train(
        LinearNetwork.random(6, 3, rng, encoder_scale=3), Setting(0.5, 0.0), learning_rate=5.0, steps=400, rng=rng
    )
    assert run.status == "blow-up" and 0 < run.status.time < 2000
    assert len(run.t) == len(run.W) == len(run.F) == len(run.loss) >= 1
    assert np.all(np.isfinite(run.W)) and run.t[-1] <= run.status.time


def test_interruption_returns_what_it_has(rng):
    calls = []

    def interrupted(u, v, W):
        calls.append(None)
        if len(calls) == 31:
            raise KeyboardInterrupt
        return L2.pushes(u, v, W)

    loss = Loss("interrupted", interrupted)
    run = train(LinearNetwork.random(6, 3, rng), Setting(0.5, 0.0), loss=loss, steps=1000, record_every=10, rng=rng)
    assert run.status == "interrupted" and run.status.time == pytest.approx(0.3)
    assert run.t == pytest.approx([0, 0.1, 0.2])
    calls[:] = [None] * 30
    with pytest.raises(KeyboardInterrupt):  # nothing recorded yet: nothing to keep
        train(LinearNetwork.random(6, 3, rng), Setting(0.5, 0.0), loss=loss, steps=1000, rng=rng)


def test_progress_bar_on_request_only(rng, capsys):
    start = LinearNetwork.random(4, 2, rng)
    train(start, Setting(0.5, 0.0), steps=5, rng=rng)
    assert capsys.readouterr().err == ""
    train(start, Setting(0.5, 0.0), steps=5, rng=rng, progress=True)
    assert "step" in capsys.readouterr().err


def test_random_networks_have_the_promised_scales(rng):
    network = LinearNetwork.random(400, 200, rng, encoder_scale=2.0, head_scale=0.5)
    # Standard deviation of n Gaussian entries is known to 1/sqrt(2 n).
    assert network.Phi.std() * np.sqrt(400) == pytest.approx(2.0, rel=4 / np.sqrt(2 * 80_000))
    assert network.W.std() * np.sqrt(200) == pytest.approx(0.5, rel=4 / np.sqrt(2 * 40_000))


def test_cosine_gradients_are_those_of_the_definition(rng):
    W, Phi = rng.standard_normal((2, 2)), rng.standard_normal((2, 3))
    x, other = rng.standard_normal((5, 3)), rng.standard_normal((5, 3))

    def loss(p, v):
        return -np.sum(p * v, axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(v, axis=1)

    p, v = x @ Phi.T @ W.T, other @ Phi.T
    value, g, g_target = COSINE.pushes(p, v, np.eye(p.shape[1]))[:3]
    assert value == pytest.approx(loss(p, v).mean())
    for k in range(2):
        nudge = np.zeros(2)
        nudge[k] = 1e-6
        np.testing.assert_allclose(g[:, k], -(loss(p + nudge, v) - loss(p - nudge, v)) / 2e-6, atol=1e-8)
        np.testing.assert_allclose(g_target[:, k], -(loss(p, v + nudge) - loss(p, v - nudge)) / 2e-6, atol=1e-8)


def test_each_cosine_step_obeys_the_norm_identity(rng):
    start, setting, eta = LinearNetwork.random(7, 4, rng), Setting(0.5, 0.3), 0.1
    run = train(start, setting, loss="cosine", learning_rate=eta, steps=60, batch=8, rng=rng, record_every=1)
    shrink = 1 - eta * setting.rho
    G = (run.W[1:] - shrink * run.W[:-1]) / eta
    size = np.linalg.norm(run.W, axis=(1, 2)) ** 2
    expected = shrink**2 * size[:-1] + eta**2 * np.linalg.norm(G, axis=(1, 2)) ** 2
    np.testing.assert_allclose(size[1:], expected, rtol=1e-12)
    assert np.all(np.abs(np.einsum("tij,tij->t", G, run.W[:-1])) < 1e-12)


def test_cosine_training_follows_the_exact_matrix_flow(rng):
    start, setting = LinearNetwork.random(6, 3, rng), Setting(0.5, 0.2)
    flow = CosineMatrices(setting).solve(start.W, start.F, [0.0, 3.0])
    errors = []
    for batch in (16, 256):
        ends = [
            train(start, setting, loss="cosine", learning_rate=0.01, steps=300, batch=batch, rng=rng).W[-1]
            for _ in range(8)
        ]
        errors.append(np.sqrt(np.mean((np.array(ends) - flow.W[-1]) ** 2)))
    assert errors[1] < 0.01
    # Sixteen times the batch, a quarter of the noise.
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.4)


def test_beyond_the_threshold_l2_dies_and_cosine_keeps_its_rank(rng):
    start, setting = LinearNetwork.from_modes(np.full(4, 0.6), np.full(4, 0.36), 6, rng), Setting(0.5, 0.4)
    options = dict(learning_rate=0.02, steps=1500, batch=64, rng=rng)
    euclidean, cosine = train(start, setting, **options), train(start, setting, loss="cosine", **options)
    assert euclidean.F[-1].trace() < 1e-6 * start.F.trace()
    assert cosine.status == "ok" and cosine.effective_rank[-1] > 3
    assert cosine.alignment[-1] == pytest.approx(cosine.alignment[0], abs=0.1)


def test_features_that_vanish_make_the_cosine_loss_singular(rng):
    start = LinearNetwork(np.zeros((2, 3)), np.eye(2))
    run = train(start, Setting(0.5, 0.0), loss="cosine", steps=5, rng=rng)
    assert run.status == "singular" and run.status.time == 0.0
    assert len(run.t) == 1 and np.array_equal(run.W[0], start.W)


@pytest.mark.parametrize("loss", ["l2", "cosine"])
def test_single_precision_follows_double_in_the_mean(loss, rng):
    start, setting = LinearNetwork.random(6, 3, rng), Setting(0.5, 0.1)
    options = dict(loss=loss, learning_rate=0.01, steps=300, batch=512, rng=rng)
    double, single = train(start, setting, **options), train(start, setting, dtype=np.float32, **options)
    assert single.W.dtype == np.float64 and single.network.Phi.dtype == np.float64
    assert np.abs(single.W[-1] - double.W[-1]).max() < 0.02
    # Entries have 24 bits: the steps really were taken in single precision.
    assert np.array_equal(single.network.Phi, single.network.Phi.astype(np.float32))
