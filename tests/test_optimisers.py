"""Steps of optimisers: against optax, against what they conserve, and against what noise makes of them at rest."""

import math

import jax
import numpy as np
import optax
import pytest

import ncl_lib._weights
from ncl_lib import L2Matrices, LinearNetwork, Setting, noise, train
from ncl_lib.losses import COSINE, L2, FeatureHead, Loss

HEAVY, ADAM = dict(momentum=0.9), dict(optimiser="adamw")
OPTIMISERS = [
    HEAVY,
    ADAM,
    dict(ADAM, momentum=0.5, second_momentum=0.9),
    dict(ADAM, momentum=0.0, second_momentum=0.0, epsilon=0.1),
    dict(ADAM, epsilon=0.1),
]


def in_optax(eta, rho, optimiser="sgd", momentum=None, second_momentum=0.999, epsilon=1e-8):
    """The same optimiser as optax defines it."""
    if optimiser == "sgd":
        return optax.chain(optax.add_decayed_weights(rho), optax.sgd(eta, momentum))
    return optax.adamw(eta, 0.9 if momentum is None else momentum, second_momentum, epsilon, weight_decay=rho)


def stepped(M, pushes, optimiser):
    """Where `pushes` move `M` in optax: at each step."""
    with jax.enable_x64(M.dtype == np.float64):
        M, path = jax.numpy.asarray(M), [M]
        state = optimiser.init(M)
        for push in pushes:
            update, state = optimiser.update(-jax.numpy.asarray(push), state, M)
            M = optax.apply_updates(M, update)
            path.append(np.asarray(M))
    return np.array(path)


@pytest.fixture
def recorded(monkeypatch):
    """Encoders and heads as they are before each step."""
    found, step = {"encoder": [], "head": []}, ncl_lib._weights.Weights.step

    def recording(self):
        found["encoder"].append(self.Phi.copy())
        found["head"].append(self.W.copy())
        step(self)

    monkeypatch.setattr(ncl_lib._weights.Weights, "step", recording)
    return found


@pytest.mark.parametrize("options", OPTIMISERS, ids=str)
@pytest.mark.parametrize(
    "others",
    [
        {},
        dict(head_rate=3.0, head_decay=0.4),
        dict(target_momentum=0.9, head_rate=0.2),
        dict(dtype=np.float32),
        dict(head=FeatureHead(0.5)),
    ],
    ids=str,
)
def test_steps_are_those_of_optax(options, others, rng):
    eta, rho, d, h, batch, steps = 0.05, 0.2, 5, 3, 7, 12
    dtype = others.get("dtype", np.float64)
    start, seen, on_encoder, on_head = LinearNetwork.random(d, h, rng), [], [], []

    def data(n, rng):  # without noise both views are the data
        seen.append(rng.standard_normal((n, d)))
        return seen[-1]

    def pushes(u, v, W):
        value, on_u, on_v, on_W = L2.pushes(u, v, W)
        on_encoder.append(on_u.T @ seen[-1].astype(dtype) / dtype(batch))
        on_head.append(on_W / dtype(batch))
        return value, on_u, on_v, on_W

    steady = dict(learning_rate=eta, steps=steps, batch=batch, record_every=1, data=data, rng=rng)
    run = train(start, Setting(0.0, rho), loss=Loss("recorded", pushes), **steady, **options, **others)
    rate, decay = others.get("head_rate", 1.0), others.get("head_decay", rho)
    Phi = stepped(start.Phi.astype(dtype), on_encoder[:steps], in_optax(eta, rho, **options))
    # A rate of its own multiplies what is pushed, not the decay, which is divided by it beforehand.
    W = stepped(start.W.astype(dtype), on_head[:steps], in_optax(eta * rate, decay / rate, **options))
    # A step rounds a few times, and optax its numbers too in single precision, near 1 of beta_2 by 1e-7 / 1e-3.
    tolerance = 1e-12 if dtype is np.float64 else 2e-4
    np.testing.assert_allclose(run.network.Phi, Phi[-1], atol=tolerance)
    np.testing.assert_allclose(run.F, Phi @ Phi.mT, atol=3 * tolerance)
    if "head" not in others:
        np.testing.assert_allclose(run.W, W, atol=tolerance)
    assert np.linalg.norm(Phi[-1] - start.Phi) > 0.05


def test_without_momentum_steps_keep_their_bits():
    on_head = []

    def pushes(u, v, W):
        found = L2.pushes(u, v, W)
        on_head.append(found[-1])
        return found

    def run(**options):
        start = LinearNetwork.random(6, 3, np.random.default_rng(0))
        steady = dict(learning_rate=0.03, steps=30, batch=8, record_every=1, rng=np.random.default_rng(1))
        return train(start, Setting(0.5, 0.1), loss=Loss("recorded", pushes), **steady, **options)

    plain = run()
    by_hand = plain.W[:-1] * (1 - 0.03 * 0.1) + (0.03 / 8) * np.array(on_head[:30])
    assert np.array_equal(plain.W[1:], by_hand)
    assert np.array_equal(plain.network.Phi, run(optimiser="sgd", momentum=0.0).network.Phi)
    assert all(np.abs(run(**options).W[-1] - plain.W[-1]).max() > 1e-3 for options in OPTIMISERS)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_a_heavy_ball_follows_the_flow_by_its_own_clock(momentum, rng):
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(6, 3, rng)
    options = dict(momentum=momentum, learning_rate=0.002 * (1 - momentum), steps=1500, batch=500, rng=rng)
    run = train(start, setting, moments=True, record_every=150, **options)
    assert run.t[-1] == pytest.approx(3.0)
    flow = L2Matrices(setting).solve(start.W, start.F, run.t)
    assert np.abs(run.W[-1] - start.W).max() > 0.5
    # The ball starts at rest, and is behind by momentum / (1 - momentum) steps, at most 0.02 of time.
    np.testing.assert_allclose(run.W, flow.W, atol=0.015)


@pytest.mark.parametrize("options", [HEAVY, dict(ADAM, epsilon=0.3)], ids=str)
def test_moments_move_weights_as_whole_batches_do(options, rng):
    # That pushes are sums is known to the rules by how many pairs there are, not by how many rows stand for them.
    setting, start = Setting(0.5, 0.1), LinearNetwork.random(5, 3, rng)
    options = dict(learning_rate=0.02, steps=60, batch=1000, rng=rng, **options)
    ends = [
        np.mean([train(start, setting, moments=m, **options).W[-1] for _ in range(4)], axis=0) for m in (False, True)
    ]
    assert np.abs(ends[0] - start.W).max() > 0.2
    np.testing.assert_allclose(*ends, atol=0.04)


def test_pushes_of_the_cosine_loss_are_at_right_angles_to_the_weights_and_adamw_turns_them(recorded, rng):
    start, rho, eta = LinearNetwork.random(7, 4, rng), 0.3, 0.05
    for options, right in ((HEAVY, True), (dict(ADAM, momentum=0.0), False)):
        for name in recorded:
            recorded[name].clear()
        steady = dict(loss="cosine", learning_rate=eta, steps=40, batch=8, rng=rng)
        assert train(start, Setting(0.5, rho), **steady, **options).status == "ok"
        for path in map(np.array, recorded.values()):
            M = path[:-1]
            G = np.diff(path, axis=0) / eta + rho * M
            if right:
                G[1:] -= 0.9 * np.diff(path, axis=0)[:-1] / eta
            cosine = np.sum(G * M, axis=(1, 2)) / np.linalg.norm(G, axis=(1, 2)) / np.linalg.norm(M, axis=(1, 2))
            assert np.abs(cosine).max() < 1e-12 if right else np.abs(cosine).mean() > 0.01


def at_rest(recorded, h, d, turn, steps, rng, **options):
    """Mean angles of steps at rest in units of the law, and mean squared norms, of head and encoder."""
    eta, setting = 0.01, Setting(0.5, turn / 0.01)
    start = LinearNetwork.from_modes(np.full(h, 0.1), np.full(h, 0.02), d, rng)
    options = dict(loss="cosine", learning_rate=eta, batch=32, **options)
    train(start, setting, steps=steps, rng=rng, **options)
    momentum, optimiser = options.get("momentum", 0.9), options.get("optimiser", "sgd")
    law, found = noise.angle(eta, setting.rho, momentum, optimiser), {}
    for name, path in recorded.items():
        M = np.array(path[steps // 4 :]).reshape(steps - steps // 4, -1)
        square = np.sum(M * M, axis=1)
        cosine = np.sum(M[1:] * M[:-1], axis=1) / np.sqrt(square[1:] * square[:-1])
        found[name] = np.sqrt(np.mean(np.arccos(cosine) ** 2)) / law, np.mean(square)
    return found, eta / (2 * setting.rho)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_a_heavy_ball_turns_weights_at_rest_by_the_angle_of_the_law(momentum, recorded, rng):
    found, _ = at_rest(recorded, 8, 16, 2e-3, 4000, rng, momentum=momentum)
    for seen, _ in found.values():
        # Without momentum in the law 0.9 would be 27 per cent off, and 0.5 18.
        assert seen == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_adamw_turns_weights_at_rest_and_its_norms_know_nothing_of_the_pushes(momentum, recorded, rng):
    h, d = 4, 16
    options = dict(ADAM, momentum=momentum, second_momentum=0.995)
    found, level = at_rest(recorded, h, d, 1e-3, 8000, rng, **options)
    # Each entry takes steps of mean square 1, so that n of them rest at |M|^2 = eta n / (2 rho). Of the head those on
    # the diagonal are pushed less, by (h - 1) / (h + 1) in the mean square, and division by their size makes the pull
    # on the others lengthen it: by what, follows from the balance of the others, which the pull keeps near 0.
    more = (1 - 1 / h) * (math.sqrt((h + 1) / (h - 1)) - 1)
    (head, of_head), (encoder, of_encoder) = found["head"], found["encoder"]
    assert head == pytest.approx(1 / math.sqrt(1 + more), abs=0.02) and encoder == pytest.approx(1.0, abs=0.02)
    # With momentum pushes of one memory are not quite independent: the pull answers within it.
    assert of_head == pytest.approx(level * h * h * (1 + more), rel=0.08)
    assert of_encoder == pytest.approx(level * h * d, rel=0.04)


def test_a_matrix_that_is_never_pushed_decays(rng):
    def pushes(u, v, W):
        return COSINE.pushes(u, v, W)[0], 0 * u, 0 * v, 0 * W

    start = LinearNetwork.random(5, 3, rng)
    for options, factor in ((ADAM, 0.99**20), (dict(ADAM, epsilon=1e-40, dtype=np.float32), 0.99**20)):
        run = train(
            start, Setting(0.5, 0.1), loss=Loss("none", pushes), learning_rate=0.1, steps=20, rng=rng, **options
        )
        np.testing.assert_allclose(run.network.Phi, factor * start.Phi, rtol=1e-5)
