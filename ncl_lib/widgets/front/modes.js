// Modes under the cosine loss: shapes on the clock of weight decay, and from them modes over time.
// Names and criteria are those of ncl_lib.clock, modes and _hyperbolas; see the docstrings there.
import { driveRate, normsOf } from "./averages.js";
import { sextic } from "./lines.js";
import { integrate, sketch, statesAt } from "./steps.js";

const VANISHED = 5e-7; // predictions, in units of the start, at which a closure has let them die
const LONGEST = 30; // logarithm of the clock, in units of |w|^2, after which a shape has settled
const LEAST = 1e-7; // amplitude of a mode, in units of the largest, that is told from none
const PICTURE = 4e-3; // accuracy of a step where a line is to be drawn

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
  /** A nearby angle at which the sum of all w^2 is that of the start: heads of the living by one factor, nearly. */
  const onTheSphere = (angle) => {
    const { w, p } = place(angle);
    const small = 1e-2 * Math.max(...p.map((a) => a * a));
    const turn = w.map((x, k) => (sign[k] * x * p[k]) / (p[k] ** 2 + small));
    const gained = w.reduce((total, x, k) => total + x * sign[k] * p[k] * turn[k], 0);
    const share = (squares(w0) - squares(w)) / (2 * gained);
    return angle.map((value, k) => value + share * turn[k]);
  };
  return { sign, start, place, onTheSphere };
}

/**
 * The shape of modes on the clock of weight decay, followed as far as somebody asks: heads and features `at(tau)`, held
 * where the shape has settled; whether it `reaches` a reading before predictions vanish; and how it has `ended()`, as
 * {status, tau}. For a `picture` everything is as accurate as a line is thick.
 */
export function shapeOf(w0, f0, sigma2, closure, picture = false) {
  const { sign, start, place, onTheSphere } = hyperbolas(w0, f0);
  const conserving = closure !== "sixth-order"; // all closures but the paper's leave |w| alone
  const scale = squares(w0);
  const few = w0.length < 12; // which have longer tails
  const rule = !picture ? [] : few ? [12, 1e-6] : [8, 1e-4];
  const velocity = (x, angle) => {
    const { w, p } = place(angle);
    const least = LEAST * Math.max(...p.map(Math.abs));
    const rate = driveRate(w, p.map((a) => (a === 0 ? 0 : Math.max(Math.abs(a), least) ** 2)), sigma2, closure, null, rule);
    const turn = rate.map((value, k) => sign[k] * value * p[k]);
    if (conserving) {
      // Exactly so, where rounding and quadrature would not.
      const along = w.map((x, k) => sign[k] * x * p[k]);
      const share = along.reduce((total, value, k) => total + value * turn[k], 0) / squares(along);
      for (let k = 0; k < turn.length; k++) turn[k] -= share * along[k];
    }
    return turn.map((value) => scale * Math.exp(x) * value);
  };
  /**
   * How fast each mode returns by itself: its rate changes with it at leading order, and its amplitude at its rate, the
   * true one or that at leading order. Whichever is faster: too much damping costs little, too little keeps steps short.
   */
  const diagonal = (x, angle, slope) => {
    const { w, p } = place(angle);
    const { phi, psi, cross } = normsOf(w, p.map((a) => a * a), sigma2);
    const unit = (scale * Math.exp(x)) / (phi * psi);
    const pull = ((1 + sigma2) * cross) / psi ** 2;
    return w.map((value, k) => {
      const rate = p[k] === 0 ? 0 : (slope[k] * sign[k]) / p[k];
      return Math.min(0, Math.min(rate * value, unit * value * (1 - pull * value)) - unit * pull * p[k] ** 2);
    });
  };
  const predictions = (angle) => {
    const { w, p } = place(angle);
    return Math.sqrt(squares(w.map((x, k) => x * p[k])));
  };
  const least = VANISHED * predictions(start);
  const vanishing = (angle) => predictions(angle) - least;
  const path = picture
    ? sketch(velocity, diagonal, start, [0, LONGEST], PICTURE, vanishing, conserving ? onTheSphere : undefined)
    : integrate(velocity, start, [0, LONGEST], 1e-8, vanishing);
  const x = (tau) => Math.min(Math.log1p(tau / scale), LONGEST);
  return {
    at(tau) {
      const { w, p } = place(path.at(x(tau)));
      return { w, f: p.map((a) => a * a) };
    },
    reaches: (tau) => path.reaches(x(tau)),
    ended() {
      const { status, time } = path.ended();
      return { status, tau: status === "ok" ? Infinity : scale * Math.expm1(time) };
    },
  };
}

/** Modes over time, {t, w, f}, from their shape: faded by decay, and cut where predictions have vanished. */
export function fading(shape, rho, times) {
  const reading = (time) => clock(time - times[0], rho);
  const t = times.filter((time) => shape.reaches(reading(time)));
  const states = t.map((time) => shape.at(reading(time)));
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
