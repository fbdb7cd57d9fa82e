"""Figures show what the theory says: their data are read back and compared."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ncl_lib import L2Modes, Setting, ThirdOrderFlow, plots


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

    monkeypatch.setitem(plots.sys.modules, "IPython", IPython)
    with plt.rc_context():
        plots.use_book_style()
    assert ("config", "InlineBackend.figure_formats = ['svg']") in asked
