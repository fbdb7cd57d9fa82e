"""Slow second ways to numbers that the library computes; none shares its formulas, its nodes or its precision."""

import numpy as np

LONG = np.longdouble
PI = 4 * np.arctan(LONG(1))


def two_modes(w, f, sigma2):
    """Exact drive on two modes, in 80 bits: an average over two angles, with the radii integrated by hand.

    With p = W u at the angle a and v at b, ``w_1 G_1 = -w_2 G_2 = -E[sin 2a sin(b - a)] / 2``; and a Gaussian (p, v) of
    precision matrix K has its angles at (a, b) with the density ``sqrt(det K) / (4 pi^2) * R(A, B, C)``, where A, B, C
    are the quadratic forms of K at the two unit vectors, and ``R = (1 - n acos(n) / sqrt(1 - n^2)) / (A C - B^2)``,
    ``n = B / sqrt(A C)``.
    """
    w, f, s = np.asarray(w, LONG), np.asarray(f, LONG), 1 + LONG(sigma2)
    spread = s * s - 1
    # Precision of (p_j, v_j), from Var p = s f w^2, Var v = s f, Cov = f w.
    pp, pv, vv = s / (f * w**2 * spread), -1 / (f * w * spread), s / (f * spread)
    root = np.sqrt(np.prod(pp * vv - pv**2))

    def angles(flat):
        """Half a turn on the scales on which the density varies: cosines, sines, weights; tan = flat * sinh(x)."""
        step, flat = LONG("0.13"), min(flat, LONG(1))  # all poles then lie at least pi / 2 away
        reach = 38 - np.log(flat)
        tangent = flat * np.sinh(np.arange(-int(reach / step), int(reach / step) + 1) * step)
        cosine = 1 / np.sqrt(1 + tangent**2)
        return cosine, tangent * cosine, step * np.sqrt(flat**2 + tangent**2) * cosine**2

    ca, sa, weight_a = (x[:, None] for x in angles(np.sqrt(f[1] / f[0]) * abs(w[1] / w[0])))
    cb, sb, weight_b = angles(np.sqrt(f[1] / f[0]))
    total = LONG(0)
    for sign in (1, -1):  # the other half turn of b; both of a are alike
        A, C = pp[0] * ca**2 + pp[1] * sa**2, vv[0] * cb**2 + vv[1] * sb**2
        B = sign * (pv[0] * ca * cb + pv[1] * sa * sb)
        n, left = B / np.sqrt(A * C), A * C - B * B
        density = (1 - n * np.arccos(n) / np.sqrt(1 - n * n)) / left * root / (2 * PI) ** 2
        total += 2 * np.sum(weight_a * weight_b * density * 2 * sa * ca * sign * (sb * ca - cb * sa))
    return np.array([-total / w[0] / 2, total / w[1] / 2]).astype(float)


def modes(w, f, sigma2, step=0.15):
    """Exact drive on modes of isotropic data, in 80 bits, by a rule in the logarithms of both variables."""
    w, f, s = np.asarray(w, LONG), np.asarray(f, LONG), LONG(1) + LONG(sigma2)
    a, b, spread = s * f, f, f**2 * LONG(sigma2) * (2 + LONG(sigma2))  # a^2 - b^2
    prediction = w**2 * a

    def logarithms(variances):
        alive = variances[variances > 0]
        above = 44 / max(1, len(alive) - 1)  # the integrand falls as t^-len
        return np.arange(-0.5 * np.log(alive.sum()) - 40, -0.5 * np.log(alive.min()) + above, LONG(step))

    drive, y = np.zeros(len(w), LONG), np.exp(2 * logarithms(prediction))
    for t in logarithms(a):
        x = np.exp(2 * t)
        det = 1 + 2 * a * x + (2 * prediction + 4 * w**2 * spread * x) * y[:, None]
        P = np.exp(t) * np.sqrt(y / np.prod(det, axis=1)) * LONG(step) ** 2
        uv, uu = b / det, (a + 2 * x * spread) / det
        cross = uv @ w
        drive += 4 / PI * (P @ uv - 2 * w * ((P * y) @ (uu * (cross[:, None] + 2 * w * uv))))
    return drive.astype(float)
