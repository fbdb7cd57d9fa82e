// The model behind every explorable: pure functions of numbers and arrays, tested against ncl_lib on golden values.
// Names and formulas are those of the library; see the docstrings there.

// ---- Flows on a line --------------------------------------------------------------------------------------------

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
  return integrate((t, [w]) => [flow.velocity(w)], [w0], times, tolerance, ([w]) => Math.abs(w) > 1e8).map(([w]) => w);
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

/** Root of a function that changes sign once between two numbers of one sign, to the last digits. */
function bisect(f, low, high) {
  const rising = f(high) > 0;
  for (let k = 0; k < 200; k++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(middle) > 0 === rising) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

// ---- Modes ------------------------------------------------------------------------------------------------------

const sum = (n, term) => {
  let total = 0;
  for (let k = 0; k < n; k++) total += term(k);
  return total;
};

/** The three norms of modes. */
export function normsOf(w, f, sigma2) {
  const s = 1 + sigma2;
  const n = w.length;
  return {
    phi: Math.sqrt(s * sum(n, (k) => f[k])),
    psi: Math.sqrt(s * sum(n, (k) => w[k] ** 2 * f[k])),
    cross: sum(n, (k) => w[k] * f[k]),
  };
}

/** Participation ratio: how many features there are in effect. */
export const participationRatio = (f) => sum(f.length, (k) => f[k]) ** 2 / sum(f.length, (k) => f[k] ** 2);

/** Drive of the cosine loss on modes: closure "leading", "sixth-order" (norms given or of the modes), or "exact". */
export function drive(w, f, sigma2, closure, norms = null) {
  if (closure === "exact") return exactDrive(w, f, sigma2);
  const s = 1 + sigma2;
  const { phi, psi, cross } = norms ?? normsOf(w, f, sigma2);
  const kept = closure === "sixth-order" ? 2 : 0;
  return w.map((x, j) => (f[j] - (s / psi ** 2) * (kept * (x * f[j]) ** 2 + cross * x * f[j])) / (phi * psi));
}

// Positive nodes of a Gauss-Legendre rule with 2 n nodes on [-1, 1], by Newton's method on the recurrence.
const rules = new Map();
function halfRule(n) {
  if (!rules.has(n)) {
    const nodes = [];
    const weights = [];
    const m = 2 * n;
    for (let i = 1; i <= n; i++) {
      let x = Math.cos((Math.PI * (i - 0.25)) / (m + 0.5));
      let slope = 1;
      for (let k = 0; k < 100; k++) {
        let before = 1;
        let p = x;
        for (let j = 2; j <= m; j++) [before, p] = [p, ((2 * j - 1) * x * p - (j - 1) * before) / j];
        slope = (m * (x * p - before)) / (x * x - 1);
        const step = p / slope;
        x -= step;
        if (Math.abs(step) < 1e-15) break;
      }
      nodes.push(x);
      weights.push(2 / ((1 - x * x) * slope * slope));
    }
    rules.set(n, { nodes, weights });
  }
  return rules.get(n);
}

/** Squared nodes and weights for the integral of t^power / sqrt(prod(1 + a t^2)), mapped by t = length sinh(kappa y). */
function mapped(a, power, n, tail) {
  let largest = 0;
  let total = 0;
  for (const x of a) {
    largest = Math.max(largest, x);
    total += x;
  }
  const length = 1 / Math.sqrt(largest);
  // Walk out until what is left of the integral is negligible, and back to where that begins.
  const unit = 1 / Math.sqrt(total);
  const limit = Math.log(tail);
  const negligible = (t) => {
    let product = 1; // overflows to infinity, which is negligible
    let strongest = 0;
    for (const x of a) {
      const det = 1 + x * t * t;
      product *= det;
      strongest = Math.max(strongest, x / det);
    }
    return power * Math.log(t / unit) - 0.5 * Math.log(product) + ((power + 1) / 2) * Math.log(strongest / largest) < limit;
  };
  let t = unit;
  for (let k = 0; k < 40 && !negligible(t); k++) t *= 2;
  for (let factor = Math.SQRT1_2, k = 0; k < 4; k++, factor = Math.sqrt(factor)) if (negligible(t * factor)) t *= factor;
  const kappa = Math.asinh(t / length);
  const { nodes, weights } = halfRule(n);
  const squares = new Float64Array(n);
  const masses = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const at = length * Math.sinh(kappa * nodes[k]);
    squares[k] = at * at;
    masses[k] = weights[k] * length * kappa * Math.sqrt(1 + squares[k] / (length * length));
  }
  return { squares, masses };
}

/** Exact drive at finite width, by quadrature over two variables; `n` nodes each, cut where `tail` of it is left. */
export function exactDrive(w, f, sigma2, n = 56, tail = 1e-14) {
  const s = 1 + sigma2;
  const h = w.length;
  const G = new Array(h).fill(0);
  if (f.filter((x) => x > 0).length < 2) return G; // on a line both directions are signs
  const a = Float64Array.from(f, (x) => 2 * s * x);
  const p = Float64Array.from(a, (x, k) => w[k] * w[k] * x);
  const first = mapped(a, 1, n, tail);
  const second = mapped(p, 3, n, tail);
  const spread = Float64Array.from(f, (x) => 2 * x * x * (s * s - 1));
  const mixed = Float64Array.from(spread, (x, k) => 2 * w[k] * w[k] * x);
  const wf = Float64Array.from(f, (x, k) => w[k] * x);
  // Per mode: what the first node alone decides of the determinant, and the sums over the second.
  const flat = new Float64Array(h);
  const steep = new Float64Array(h);
  const own = new Float64Array(h);
  const inverse = new Float64Array(h);
  for (let i = 0; i < n; i++) {
    const x = first.squares[i];
    for (let k = 0; k < h; k++) {
      flat[k] = 1 + a[k] * x;
      steep[k] = p[k] + mixed[k] * x;
      own[k] = w[k] * (a[k] / 2 + spread[k] * x);
    }
    for (let m = 0; m < n; m++) {
      const y = second.squares[m];
      let product = 1; // of determinants; where it overflows, the integrand is 0
      let cross = 0;
      for (let k = 0; k < h; k++) {
        const det = flat[k] + steep[k] * y;
        product *= det;
        inverse[k] = 1 / det;
        cross += wf[k] * inverse[k];
      }
      const P = ((4 / Math.PI) * first.masses[i] * second.masses[m]) / Math.sqrt(product);
      const pull = 2 * y;
      for (let k = 0; k < h; k++) {
        const uv = inverse[k];
        G[k] += P * uv * (f[k] - pull * own[k] * (cross + 2 * wf[k] * uv));
      }
    }
  }
  return G;
}

// ---- Time -------------------------------------------------------------------------------------------------------

/** Time of the shape at time t. */
export const clock = (t, rho) => (rho > 0 ? Math.expm1(2 * rho * t) / (2 * rho) : t);

const PICTURE = 2e-3; // accuracy of a step where a line is to be drawn

// The pair of Dormand and Prince: stages, error of a step, and its continuous extension.
const A = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const C = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
const D = [
  -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072, 701980252875 / 199316789632,
  -1453857185 / 822651844, 69997945 / 29380423,
];

/**
 * Walk along a solution from y0 and return its states at `times`, ended early where `stop(y)` holds after a step. What a
 * step is, `attempt(t, y, dt, slope)` says: the `next` state, its `error` in units of what is allowed, the state
 * `inside` the step a share x after its start, and the `slope` at its end; `rescale(error)` is how its length changes.
 */
function march(y0, times, { step, slope, attempt, rescale, most }, stop) {
  const states = [y0.slice()];
  const end = times[times.length - 1];
  let t = times[0];
  let y = y0.slice();
  for (let count = 0; states.length < times.length && count < most; count++) {
    const dt = Math.min(step, end - t);
    const { next, error, inside, slopeAt } = attempt(t, y, dt, slope);
    if (!Number.isFinite(error)) {
      step = 0.2 * dt;
      continue;
    }
    if (error <= 1) {
      if (stop(next)) return states;
      const reached = dt === end - t ? end : t + dt;
      while (states.length < times.length && times[states.length] <= reached) states.push(inside((times[states.length] - t) / dt));
      [t, y, slope] = [reached, next, slopeAt(reached)];
    }
    step = dt * rescale(error);
  }
  return states;
}

/** Integrate y' = velocity(t, y); returns the states at `times`, ended early where `stop(y)` holds after a step. */
export function integrate(velocity, y0, times, tolerance = 1e-8, stop = () => false) {
  const attempt = (t, y, dt, slope) => {
    const k = [slope];
    let next = null;
    for (let stage = 0; stage < 6; stage++) {
      next = y.map((value, j) => value + dt * sum(stage + 1, (m) => A[stage][m] * k[m][j]));
      k.push(velocity(t + C[stage] * dt, next));
    }
    let error = 0;
    for (let j = 0; j < y.length; j++) {
      const size = tolerance * (1e-3 + Math.max(Math.abs(y[j]), Math.abs(next[j])));
      error = Math.max(error, Math.abs(dt * sum(7, (m) => E[m] * k[m][j])) / size);
    }
    return { next, error, inside: (x) => (x >= 1 ? next.slice() : between(y, next, k, dt, x)), slopeAt: () => k[6] };
  };
  const step = Math.min((times[times.length - 1] - times[0]) / 100, 0.01) || 1e-6;
  const rescale = (error) => Math.min(5, Math.max(0.2, 0.9 * (error || 1e-10) ** -0.2));
  return march(y0, times, { step, slope: velocity(times[0], y0), attempt, rescale, most: 50000 }, stop);
}

/** State inside a step, a share x of it after its start. */
function between(y, next, k, dt, x) {
  return y.map((value, j) => {
    const change = next[j] - value;
    const start = dt * k[0][j] - change;
    const bend = change - dt * k[6][j] - start;
    let rest = 0;
    for (let m = 0; m < 7; m++) rest += D[m] * k[m][j];
    return value + x * (change + (1 - x) * (start + x * (bend + (1 - x) * dt * rest)));
  });
}

/**
 * The same for a picture, to about `tolerance`: the linearly implicit two-stage method of order 2 that keeps its order
 * for any matrix in the place of the Jacobian, here a `diagonal`, so that modes at rest do not keep steps short. Its
 * error is estimated against its first stage, which bounds what a straight line between two steps leaves out.
 */
export function sketch(velocity, diagonal, y0, times, tolerance, stop = () => false) {
  const gamma = 1 - Math.SQRT1_2;
  const attempt = (t, y, dt, slope) => {
    const rates = diagonal(t, y);
    const k1 = slope.map((value, j) => (dt * value) / (1 - gamma * dt * rates[j]));
    const middle = velocity(t + dt, y.map((value, j) => value + k1[j]));
    const k2 = middle.map((value, j) => (dt * value - 2 * k1[j]) / (1 - gamma * dt * rates[j]));
    const next = y.map((value, j) => value + 1.5 * k1[j] + 0.5 * k2[j]);
    let error = 0;
    for (let j = 0; j < y.length; j++) error = Math.max(error, Math.abs(k1[j] + k2[j]) / 2 / (tolerance * (0.1 + Math.abs(next[j]))));
    const inside = (x) => y.map((value, j) => value + x * (next[j] - value));
    return { next, error, inside, slopeAt: (reached) => velocity(reached, next) };
  };
  const step = (times[times.length - 1] - times[0]) / 50;
  const rescale = (error) => Math.min(3, Math.max(0.2, 0.9 / Math.sqrt(error || 1e-4)));
  return march(y0, times, { step, slope: velocity(times[0], y0), attempt, rescale, most: 5000 }, stop);
}

/**
 * Modes under the cosine loss at the given times. Shapes are integrated on the clock, with f = w^2 + c; with `norms`
 * frozen, modes on the parabola are integrated in time. Returns {t, w, f}, cut where predictions vanish. For a `picture`
 * everything is as accurate as a line is thick.
 */
export function solveModes(w0, f0, sigma2, rho, times, closure, norms = null, picture = false) {
  const s = 1 + sigma2;
  const c = f0.map((value, j) => value - w0[j] ** 2);
  const features = (w) => w.map((value, j) => (f0[j] === 0 ? 0 : Math.max(value ** 2 + c[j], 0)));
  if (norms) {
    const flow = sextic(sigma2, rho, norms);
    const gone = (y) => y.some((value) => Math.abs(value) > 1e8);
    const states = integrate((t, y) => y.map(flow.velocity), w0, times, picture ? 1e-4 : 1e-8, gone);
    return { t: times.slice(0, states.length), w: states, f: states.map((w) => w.map((x) => x * x)) };
  }
  const scale = sum(w0.length, (k) => w0[k] ** 2);
  const predictions = (w) => normsOf(w, features(w), sigma2).psi;
  const smallest = 1e-6 * predictions(w0);
  const few = w0.length < 12; // which have longer tails
  const rule = !picture ? [] : few ? [12, 1e-6] : [8, 1e-4];
  const velocity = (x, w) => {
    const f = features(w);
    const G = closure === "exact" ? exactDrive(w, f, sigma2, ...rule) : drive(w, f, sigma2, closure);
    // All closures but the paper's leave |w| alone exactly; rounding would not.
    const along = closure === "sixth-order" ? 0 : sum(w.length, (k) => w[k] * G[k]) / sum(w.length, (k) => w[k] ** 2);
    return G.map((value, k) => scale * Math.exp(x) * (value - along * w[k]));
  };
  /** How fast each mode returns by itself, at leading order. */
  const diagonal = (x, w) => {
    const f = features(w);
    const { phi, psi, cross } = normsOf(w, f, sigma2);
    const pull = (s * cross) / psi ** 2;
    return w.map((value, k) => (scale * Math.exp(x) * Math.min(0, 2 * value - pull * (3 * value ** 2 + c[k]))) / (phi * psi));
  };
  const gone = (w) => predictions(w) < smallest;
  const x = times.map((t) => Math.log1p(clock(t - times[0], rho) / scale));
  const shapes = picture ? sketch(velocity, diagonal, w0, x, PICTURE, gone) : integrate(velocity, w0, x, 1e-8, gone);
  const t = times.slice(0, shapes.length);
  const fade = t.map((value) => Math.exp(-rho * (value - times[0])));
  return {
    t,
    w: shapes.map((w, i) => w.map((value) => value * fade[i])),
    f: shapes.map((w, i) => features(w).map((value) => value * fade[i] ** 2)),
  };
}

// ---- Survival ---------------------------------------------------------------------------------------------------

/** Who is not forced dead, and the floors over which water rises. */
export function fitness(w, f) {
  const c = f.map((value, j) => value - w[j] ** 2);
  return { able: c.map((value, j) => f[j] > 0 && (value > 0 || w[j] > 0)), floors: c.map((value) => Math.max(-value, 0)) };
}

/** Water-filling: who lives, and the level x; null where no mode is able, or the only one has a negative head. */
export function waterFill(w, f) {
  const { able, floors } = fitness(w, f);
  const count = able.filter(Boolean).length;
  if (count === 0 || (count === 1 && w[able.indexOf(true)] <= 0)) return null;
  const volume = sum(w.length, (j) => w[j] ** 2 - (able[j] ? 0 : floors[j]));
  const depths = floors.filter((_, j) => able[j]).sort((p, q) => p - q);
  let above = sum(count, (k) => depths[k]);
  let level = 0;
  for (let k = 0; k < count; k++) {
    above -= depths[k];
    level = (volume - above) / (k + 1);
    if (k + 1 === count || level <= depths[k + 1]) break;
  }
  return { level, alive: able.map((yes, j) => yes && level > floors[j]) };
}
