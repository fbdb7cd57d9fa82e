"""Figures show what the theory says: their data are read back and compared."""

import itertools
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from ncl_lib import (
    CosineModes,
    L2Modes,
    LinearNetwork,
    Norms,
    Regime,
    Setting,
    SixthOrderFlow,
    ThirdOrderFlow,
    critical_ratio,
    noise,
    plots,
    settled_modes,
    train,
    universal_coordinates,
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def marks(ax):
    """Positions and fill styles of the marked equilibria."""
    found = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0]), line.get_fillstyle()) for line in found]


def test_velocity_curves_mark_equilibria_on_the_axis_by_stability():
    flow = ThirdOrderFlow(Setting(0.5, 0.05))
    ax = plots.velocity_curves([flow, ThirdOrderFlow(Setting(0.5, 0.3))])
    fills = {"stable": "full", "unstable": "none", "half-stable": "left"}
    expected = [(e.w, 0.0, fills[e.kind]) for e in flow.equilibria()] + [(0.0, 0.0, "full")]
    assert marks(ax) == expected
    curve = ax.lines[1]
    np.testing.assert_allclose(curve.get_ydata(), flow.velocity(curve.get_xdata()))


def test_bifurcation_branches_are_zeros_of_the_velocity_and_meet_at_the_fold():
    setting = Setting(0.5, 0.0)
    ax = plots.bifurcation_diagram(setting)
    _, upper, lower = ax.lines[:3]
    for branch in (upper, lower):
        for rho, w in zip(*branch.get_data(), strict=True):
            assert ThirdOrderFlow(Setting(0.5, float(rho))).velocity(w) == pytest.approx(0, abs=1e-12)
    assert upper.get_data()[0][-1] == pytest.approx(1 / 6)
    assert upper.get_data()[1][-1] == pytest.approx(lower.get_data()[1][-1]) == pytest.approx(1 / 3)


def test_line_trajectories_tell_survivors_by_colour():
    flow = ThirdOrderFlow(Setting(0.5, 0.05))
    trajectory = flow.solve([0.05, 0.06], [0.0, 500.0])
    dead, alive = plots.line_trajectories(trajectory).lines
    assert dead.get_color() == plots.BLUE and alive.get_color() == plots.GREEN


def test_phase_plane_solutions_end_on_the_parabola():
    ax = plots.phase_plane(L2Modes(Setting(0.5, 0.05)), [(-0.4, 0.9), (0.05, 0.6)], times=(0.0, 400.0))
    solutions = [line for line in ax.lines if len(line.get_xdata()) == 600]
    assert len(solutions) == 2
    for line in solutions:
        w, f = line.get_data()
        assert f[-1] == pytest.approx(w[-1] ** 2, rel=1e-6)


def test_basins_meet_the_parabola_at_the_unstable_equilibrium():
    setting = Setting(0.5, 0.1)
    unstable = ThirdOrderFlow(setting).equilibria()[1].w
    step = 0.2 / 80
    ax = plots.basins(L2Modes(setting), extent=(0.0, 0.4, 0.0, 0.2), resolution=81)
    border = np.concatenate([path.vertices for path in ax.collections[-1].get_paths()])
    w, f = border[np.argmin(abs(border[:, 1] - border[:, 0] ** 2))]
    assert abs(f - w**2) < 2 * step and abs(w - unstable) < 0.02


def test_basins_beyond_the_threshold_have_no_border():
    ax = plots.basins(L2Modes(Setting(0.5, 0.3)), resolution=9)
    assert len(ax.collections) == 1


def test_histograms_integrate_to_the_share_inside():
    values = np.array([0.5, 1.0, 1.5, 5.0])
    patch = plots.norm_histograms({"values": values}, upper=3.0).patches[0]
    heights, edges, _ = patch.get_data()
    assert np.sum(heights * np.diff(edges)) == pytest.approx(0.75)


def test_collapse_probability_shows_shares_and_theory():
    collapsed = np.array([[True, False, False, False], [True, True, True, True]])
    ax = plots.collapse_probability([0.1, 0.2], collapsed, threshold=0.15, theory=([0.1, 0.2], [0.2, 1.0]))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.25, 1.0])
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), [0.2, 1.0])


def test_scaling_law_has_the_slope_asked_for():
    ax = plots.scaling([1.0, 10.0, 100.0], [3.0, 1.0, 0.3], [0.1, 0.1, 0.1], exponent=-0.5)
    x, y = ax.lines[-1].get_data()
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx([-0.5, -0.5])


def test_style_asks_a_notebook_for_svg(monkeypatch):
    asked = []

    class Shell:
        def run_line_magic(self, name, line):
            asked.append((name, line))

    class IPython:
        get_ipython = staticmethod(Shell)

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    with plt.rc_context():
        plots.use_book_style()
    assert ("config", "InlineBackend.figure_formats = ['svg']") in asked


def test_velocity_curves_of_the_sixth_order_flow_mark_all_four_equilibria():
    flow = SixthOrderFlow(Setting(0.5, 0.01), Norms(4.0, 2.0, 1.0))
    ax = plots.velocity_curves([flow])
    assert [x for x, _, _ in marks(ax)] == [e.w for e in flow.equilibria()]


def test_curves_keep_their_data_and_differ_without_colour():
    ax = plots.curves({"a": ([1, 2], [3, 4]), "b": ([1, 2], [5, 6])}, "x", "y", logx=True)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [5, 6])
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert ax.get_xscale() == "log" and ax.get_yscale() == "linear"


def test_phase_diagram_has_the_fold_as_its_border():
    ax = plots.phase_diagram({"path": ([0.5, 1.0], [1.0, 0.01])})
    border, path, start = ax.lines
    np.testing.assert_allclose(border.get_ydata(), critical_ratio(border.get_xdata()))
    np.testing.assert_array_equal(path.get_xdata(), [0.5, 1.0])
    assert (start.get_xdata()[0], start.get_ydata()[0]) == (0.5, 1.0)


def test_regime_shift_draws_equilibria_of_each_moment_and_none_in_collapse():
    setting, w = Setting(0.5, 1.0), np.array([0.05, 0.3, 0.5])
    run = CosineModes(setting).solve(w, w**2, np.linspace(0, 3, 31))
    ax = plots.regime_shift(run, 1)
    mode, stable, saddle = (line.get_ydata() for line in ax.lines[:3])
    np.testing.assert_array_equal(mode, run.w[:, 1])
    _, beta, ratio = universal_coordinates(run.w, run.norms, setting)
    np.testing.assert_array_equal(np.isfinite(stable), ratio <= critical_ratio(beta))
    alive = run.regimes[:, 1] == Regime.STABLE
    assert alive.any() and not alive.all() and np.all(run.w[alive, 1] > saddle[alive])
    for k in np.flatnonzero(alive):
        flow = SixthOrderFlow(setting, Norms(run.norms.phi[k], run.norms.psi[k], run.norms.cross[k]))
        assert abs(flow.velocity(stable[k]) / flow.jacobian(stable[k])) < 1e-9


def test_regime_shift_of_a_frozen_run_has_equilibria_that_stand_still():
    setting, w = Setting(0.5, 0.01), np.array([0.05, 0.3, 0.5])
    norms = Norms.of_modes(w, w**2, setting)
    run = CosineModes(setting, "sixth-order", norms=norms).solve(w, w**2, np.linspace(0, 3, 4))
    _, stable, saddle = (line.get_ydata() for line in plots.regime_shift(run, 2, norms).lines[:3])
    zeros = [e.w for e in SixthOrderFlow(setting, norms).equilibria() if e.w > 0]
    assert set(saddle) == {zeros[0]} and set(stable) == {zeros[1]}


def test_regime_map_has_a_row_a_mode_in_the_order_of_heads():
    setting, w = Setting(0.5, 1.0), np.array([0.5, -0.3, 0.05])
    run = CosineModes(setting).solve(w, w**2, np.linspace(0, 3, 31))
    rows = plots.regime_map(run).collections
    for bars, mode in zip(rows, [1, 2, 0], strict=True):
        seen = [to_hex(colour).upper() for colour in bars.get_facecolor()]
        visited = [run.regimes[0, mode]] + [b for a, b in itertools.pairwise(run.regimes[:, mode]) if a != b]
        assert seen == [plots.REGIME_COLOURS[regime] for regime in visited]
        corners = np.array([path.vertices[:, 0] for path in bars.get_paths()])
        assert corners.min() == run.t[0] and corners.max() == run.t[-1]


def test_loss_fields_point_home_and_along_circles():
    left, right = plots.loss_fields(target=(1.0, 0.5))
    for ax, tangent in ((left, False), (right, True)):
        arrows = ax.collections[0]
        p, push = arrows.get_offsets(), np.stack([arrows.U, arrows.V], axis=1)
        radial = np.sum(p * push, axis=1)
        assert (np.abs(radial).max() < 1e-12) == tangent
        if not tangent:
            np.testing.assert_allclose(p + push, np.broadcast_to([1.0, 0.5], p.shape), atol=1e-12)


def test_fates_ring_what_was_predicted_wrongly():
    ax = plots.fates([0.1, -0.5, 0.3], [0.2, 0.1, 0.4], [True, False, True], [True, True, True])
    alive, dead, wrong = ax.lines[:3]
    assert alive.get_xdata().tolist() == [0.1, 0.3] and dead.get_xdata().tolist() == [-0.5]
    assert wrong.get_xdata().tolist() == [-0.5]


def test_water_fills_the_columns_of_the_living_to_one_level_and_holds_the_volume(rng):
    w0, f0, setting = 0.7 * rng.standard_normal(24), rng.uniform(0.0, 0.6, 24), Setting(0.5, 0.0)
    ax = plots.water(w0, f0, setting)
    floor = np.array([bar.get_height() for bar in ax.containers[0]])
    depth = np.array([bar.get_height() for bar in ax.containers[1]])
    w, f = settled_modes(w0, f0, setting)
    assert np.count_nonzero(depth) == np.count_nonzero(f)
    np.testing.assert_allclose((floor + depth)[depth > 0], w[f > 0].max() ** 2)
    c = f0 - w0**2
    forced = (c <= 0) & (w0 <= 0)
    assert np.sum(floor + depth) == pytest.approx(np.sum(w0**2) + c[forced].sum())


@pytest.mark.parametrize("loss", ["l2", "cosine"])
def test_training_counts_every_mode_in_one_regime(rng, loss):
    start, setting = LinearNetwork.random(12, 5, rng), Setting(0.5, 0.3)
    run = train(start, setting, loss=loss, steps=60, batch=64, rng=rng, learning_rate=0.05, record_every=10)
    heads, norms, regimes, relative = plots.training(run)
    assert len(heads.lines) == 5 and norms.get_yscale() == "log"
    np.testing.assert_allclose(relative.lines[0].get_ydata() * 5, run.effective_rank)
    # The areas are stacked up to the number of modes, and the lowest one counts those in Collapse.
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in regimes.collections]
    assert tops[-1] == 5
    w = np.linalg.eigvalsh((run.W + run.W.mT) / 2)
    collapsed = []
    for W, F, row in zip(run.W, run.F, w, strict=True):
        flow = ThirdOrderFlow(setting)
        if loss == "cosine":
            flow = SixthOrderFlow(setting, Norms.of_matrices(W, F, setting))
        collapsed.append(np.count_nonzero(flow.regime(row) == Regime.COLLAPSE))
    assert tops[0] == max(collapsed)


def test_water_covers_what_the_level_covers_beside_a_lone_survivor():
    # The second mode lives, by the exact flow, though its floor stands out of the water.
    ax = plots.water([0.3, 1.5], [0.99, 0.06], Setting(0.5, 0.0))
    level = ax.lines[0].get_ydata()[0]
    assert level == pytest.approx(0.3**2 + 0.06, rel=1e-9) and level < 1.5**2 - 0.06
    plt.close("all")


def test_map_of_rest_has_the_border_of_the_law_and_marks_runs_by_what_they_have_shown():
    setting, h, d = Setting(0.5, 0.3), 8, 32
    ax = plots.rest_map(setting, h, d, [[0.01, 16, 7.4], [0.04, 8, 5.1], [0.16, 4, 1.5]])
    lines = {line.get_label(): line for line in ax.lines}
    unit = Setting(0.5, 1.0)
    for part, name in ((0.0, "border: directions die"), (0.9, "rank 0.9 h")):
        turns, heights = np.array(lines[name].get_data())[:, np.isfinite(lines[name].get_ydata())]
        drawn = [(turn, h * height) for turn, height in zip(turns, heights, strict=True) if 2 < h * height < 500]
        assert len(drawn) > 5
        for turn, batch in drawn:
            less, more = (
                noise.features_at_rest(unit, h, d, turn, b) for b in (int(0.8 * batch), int(1.25 * batch) + 1)
            )
            if part:
                assert np.nan_to_num(less.effective_rank) / h < part < more.effective_rank / h
            else:
                assert more.survive and not less.survive
    marked = {name: lines[name].get_marker() for name in ("run, rank above 0.9 h", "above h / 2", "below")}
    assert list(marked.values()) == ["o", "o", "x"]
    assert lines["above h / 2"].get_fillstyle() == "none"
    assert lines["below"].get_xydata().tolist() == [[0.16, 0.5]]
