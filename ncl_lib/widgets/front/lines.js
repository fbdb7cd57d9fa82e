// Flows on a line: the cubic and the sixth-order flow, their equilibria and regimes, as in ncl_lib.flows and regimes.
// Names and formulas are those of the library; see the docstrings there. Tested against it on golden values.
import { integrate, statesAt } from "./steps.js";

/** Cubic flow of the L2 loss, dw/dt = w^2 - s w^3 - rho w: velocity, equilibria and threshold. */
export function cubic(sigma2, rho) {
  const s = 1 + sigma2;
  const critical = 1 / (4 * s);
  let discriminant = 1 - 4 * rho * s;
  if (Math.abs(discriminant) <= 8 * Number.EPSILON) discriminant = 0; // the threshold itself
  const equilibria = [{ w: 0, kind: "stable" }];
  if (discriminant === 0) equilibria.push({ w: 1 / (2 * s), kind: "half-stable" });
  if (discriminant > 0) {
    const root = Math.sqrt(discriminant);
    if (rho === 0) equilibria[0].kind = "half-stable";
    // 2 rho / (1 + root) is (1 - root) / (2 s) without the cancellation at small rho.
    else equilibria.push({ w: (2 * rho) / (1 + root), kind: "unstable" });
    equilibria.push({ w: (1 + root) / (2 * s), kind: "stable" });
  }
  return { velocity: (w) => w * (w * (1 - s * w) - rho), equilibria, critical };
}

/** Sixth-order flow of the cosine loss with norms frozen: {phi, psi, cross}. */
export function sextic(sigma2, rho, norms) {
  const s = 1 + sigma2;
  const { phi, psi, cross } = norms;
  const q2 = 1 / (phi * psi);
  const q3 = (s * cross) / (phi * psi ** 3);
  const q6 = (2 * s) / (phi * psi ** 3);
  const { scale, beta, ratio } = universal(sigma2, rho, norms);
  const velocity = (w) => w * (w * (q2 - w * (q3 + q6 * w ** 3)) - rho);
  return { velocity, equilibria: sexticEquilibria(scale, beta, ratio), critical: q2 * scale * criticalRatio(beta), scale, beta, ratio };
}

/** The same flow in units in which coupling and decay ratio are all that is left: scaled' = scaled (scaled - beta scaled^2 - scaled^5 - ratio). */
export function normalForm(beta, ratio) {
  return { velocity: (scaled) => scaled * (scaled * (1 - scaled * (beta + scaled ** 3)) - ratio), equilibria: sexticEquilibria(1, beta, ratio), critical: criticalRatio(beta) };
}

/** One mode over time under a flow; shorter than `times` if it runs away. */
export function modeOverTime(flow, w0, times, tolerance = 1e-8) {
  const path = integrate((t, [w]) => [flow.velocity(w)], [w0], [times[0], times.at(-1)], tolerance);
  return statesAt(path, times).map(([w]) => w);
}

/** The scale of modes and the two numbers that decide which equilibria exist. */
export function universal(sigma2, rho, { phi, psi, cross }) {
  const s = 1 + sigma2;
  const scale = Math.sqrt(psi) / (2 * s) ** 0.25;
  return { scale, beta: (s * cross * scale) / psi ** 2, ratio: (rho * phi * psi) / scale };
}

/** The one positive root of 5 scaled^4 + 2 beta scaled = 1, by Newton's method from above. */
export function fold(beta) {
  let scaled = beta >= 0 ? 1 / Math.max(2 * beta, 5 ** 0.25) : Math.max(0.4 ** 0.25, Math.cbrt(-0.8 * beta));
  for (let k = 0; k < 50; k++) {
    const step = (scaled * (5 * scaled ** 3 + 2 * beta) - 1) / (20 * scaled ** 3 + 2 * beta);
    scaled -= step;
    if (Math.abs(step) <= 2 * Number.EPSILON * scaled) break;
  }
  return scaled;
}

/** Border of the universal diagram, r_c(beta). */
export function criticalRatio(beta) {
  const scaled = fold(beta);
  return (scaled + 3 * scaled ** 5) / 2;
}

const FOLD_TOLERANCE = 16 * Number.EPSILON;

/** Regime of a mode of size scaled: "collapse", "acute" or "stable". */
export function classify(scaled, beta, ratio) {
  const edge = fold(beta);
  if (ratio > ((edge + 3 * edge ** 5) / 2) * (1 + FOLD_TOLERANCE)) return "collapse";
  return scaled > edge || (scaled > 0 && scaled * (1 - scaled * (beta + scaled ** 3)) > ratio) ? "stable" : "acute";
}

function sexticEquilibria(scale, beta, ratio) {
  const rest = (scaled) => scaled * (1 - scaled * (beta + scaled ** 3)) - ratio;
  const edge = fold(beta);
  const size = 2 * (1 + Math.abs(beta)) + ratio;
  const found = [{ w: scale * bisect(rest, -size, -1 / size), kind: "unstable" }, { w: 0, kind: "stable" }];
  const excess = ratio - (edge + 3 * edge ** 5) / 2;
  if (Math.abs(excess) <= FOLD_TOLERANCE * ratio) found.push({ w: scale * edge, kind: "half-stable" });
  else if (excess < 0) {
    if (ratio === 0) found[1].kind = "half-stable";
    else found.push({ w: scale * bisect(rest, 0, edge), kind: "unstable" });
    found.push({ w: scale * bisect(rest, edge, size), kind: "stable" });
  }
  return found;
}

/** Root of a function that changes sign once between two numbers of one sign: to the last digits, or by fewer halvings. */
export function bisect(f, low, high, halvings = 200) {
  const rising = f(high) > 0;
  for (let k = 0; k < halvings; k++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(middle) > 0 === rising) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
