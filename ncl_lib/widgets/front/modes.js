// Modes under the cosine loss: shapes on the clock of weight decay, and from them modes over time.
// Names and criteria are those of ncl_lib.clock, modes and _hyperbolas; see the docstrings there.
import { driveRate, normsOf } from "./averages.js";
import { sextic } from "./lines.js";
import { integrate, sketch, statesAt } from "./steps.js";

const VANISHED = 5e-7; // predictions, in units of the start, at which a closure has let them die
const LONGEST = 30; // logarithm of the clock, in units of |w|^2, after which a shape has settled
const LEAST = 1e-7; // amplitude of a mode, in units of the largest, that is told from none
const PICTURE = 2e-3; // accuracy of a step where a line is to be drawn

/** Time of the shape at time t. */
export const clock = (t, rho) => (rho > 0 ? Math.expm1(2 * rho * t) / (2 * rho) : t);

/** Time at which the clock shows tau. */
export const timeOf = (tau, rho) => (rho > 0 ? Math.log1p(2 * rho * tau) / (2 * rho) : tau);

const squares = (w) => w.reduce((total, x) => total + x * x, 0);

/**
 * Curves of constant imbalance f - w^2 = c on which modes move, and the angle along them; a mode without features keeps
 * none, and its head. `place(angle)` gives heads w and amplitudes p, p^2 = f.
 */
function hyperbolas(w0, f0) {
  const sign = w0.map((w) => (w < 0 ? -1 : 1));
  const c = f0.map((f, k) => (Math.abs(f - w0[k] * w0[k]) > 1e-12 * f ? f - w0[k] * w0[k] : 0));
  const size = c.map((x) => Math.sqrt(Math.abs(x)));
  const start = f0.map((f, k) => {
    if (f === 0) return 0;
    return c[k] === 0 ? Math.log(Math.sqrt(f)) : Math.asinh((c[k] > 0 ? Math.abs(w0[k]) : Math.sqrt(f)) / size[k]);
  });
  const place = (angle) => {
    const w = w0.slice();
    const p = new Array(w0.length).fill(0);
    for (let k = 0; k < w.length; k++) {
      if (f0[k] === 0) continue;
      const turned = Math.min(300, Math.max(-300, angle[k])); // a trial step may be long
      const [long, short] = c[k] === 0 ? [Math.exp(turned), Math.exp(turned)] : [size[k] * Math.cosh(turned), size[k] * Math.sinh(turned)];
      w[k] = sign[k] * (c[k] > 0 ? short : long);
      p[k] = c[k] > 0 ? long : short;
    }
    return { w, p };
  };
  return { sign, start, place };
}

/**
 * The shape of modes on the clock of weight decay, up to the reading `last`: heads and features `at(tau)`, held where
 * the shape has settled, and the reading `end` at which predictions have vanished, or infinity. For a `picture`
 * everything is as accurate as a line is thick.
 */
export function shapeOf(w0, f0, sigma2, closure, last, picture = false) {
  const { sign, start, place } = hyperbolas(w0, f0);
  const scale = squares(w0);
  const few = w0.length < 12; // which have longer tails
  const rule = !picture ? [] : few ? [12, 1e-6] : [8, 1e-4];
  const velocity = (x, angle) => {
    const { w, p } = place(angle);
    const least = LEAST * Math.max(...p.map(Math.abs));
    const rate = driveRate(w, p.map((a) => (a === 0 ? 0 : Math.max(Math.abs(a), least) ** 2)), sigma2, closure, null, rule);
    const turn = rate.map((value, k) => sign[k] * value * p[k]);
    if (closure !== "sixth-order") {
      // All closures but the paper's leave |w| alone exactly; rounding and quadrature would not.
      const along = w.map((x, k) => sign[k] * x * p[k]);
      const share = along.reduce((total, value, k) => total + value * turn[k], 0) / squares(along);
      for (let k = 0; k < turn.length; k++) turn[k] -= share * along[k];
    }
    return turn.map((value) => scale * Math.exp(x) * value);
  };
  /** How fast each mode returns by itself, at leading order. */
  const diagonal = (x, angle) => {
    const { w, p } = place(angle);
    const { phi, psi, cross } = normsOf(w, p.map((a) => a * a), sigma2);
    const pull = ((1 + sigma2) * cross) / psi ** 2;
    return w.map((value, k) => (scale * Math.exp(x) * Math.min(0, value * (1 - pull * value) - pull * p[k] ** 2)) / (phi * psi));
  };
  const predictions = (angle) => {
    const { w, p } = place(angle);
    return Math.sqrt(squares(w.map((x, k) => x * p[k])));
  };
  const least = VANISHED * predictions(start);
  const vanishing = (angle) => predictions(angle) - least;
  const range = [0, Math.min(Math.log1p(last / scale), LONGEST)];
  const path = picture
    ? sketch(velocity, diagonal, start, range, PICTURE, vanishing)
    : integrate(velocity, start, range, 1e-8, vanishing);
  const at = (tau) => {
    const { w, p } = place(path.at(Math.min(Math.log1p(tau / scale), range[1])));
    return { w, f: p.map((a) => a * a) };
  };
  return { at, status: path.status, end: path.status === "ok" ? Infinity : scale * Math.expm1(path.end) };
}

/** Modes over time, {t, w, f}, from their shape: faded by decay, and cut where predictions have vanished. */
export function fading(shape, rho, times) {
  const t = times.filter((time) => clock(time - times[0], rho) <= shape.end);
  const states = t.map((time) => shape.at(clock(time - times[0], rho)));
  const left = t.map((time) => Math.exp(-rho * (time - times[0])));
  return {
    t,
    w: states.map(({ w }, i) => w.map((value) => value * left[i])),
    f: states.map(({ f }, i) => f.map((value) => value * left[i] ** 2)),
  };
}

/** Modes on the parabola over time with norms frozen, {t, w, f}; cut where one runs away. */
export function frozenModes(w0, sigma2, rho, times, norms, picture = false) {
  const { velocity } = sextic(sigma2, rho, norms);
  const path = integrate((t, y) => y.map(velocity), w0, [times[0], times.at(-1)], picture ? 1e-4 : 1e-8);
  const w = statesAt(path, times);
  return { t: times.slice(0, w.length), w, f: w.map((row) => row.map((x) => x * x)) };
}
