// Norms of modes, and the drive of the cosine loss on them: at leading order, of sixth order, and exact.
// Names and formulas are those of the library; see the docstrings there. Tested against it on golden values.

/** The sum of n terms. */
export const sum = (n, term) => {
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

/**
 * Drive of the cosine loss on modes, for each of their features, G / f: finite where a mode has none. Closure "leading",
 * "sixth-order" (norms given or of the modes), or "exact", by quadrature with a `rule` of nodes and tail.
 */
export function driveRate(w, f, sigma2, closure, norms = null, rule = []) {
  if (closure === "exact") return exactRate(w, f, sigma2, ...rule);
  const s = 1 + sigma2;
  const { phi, psi, cross } = norms ?? normsOf(w, f, sigma2);
  const kept = closure === "sixth-order" ? 2 : 0;
  return w.map((x, j) => (1 - (s / psi ** 2) * (kept * x ** 2 * f[j] + cross * x)) / (phi * psi));
}

/** Drive of the cosine loss on modes. */
export const drive = (w, f, ...more) => driveRate(w, f, ...more).map((rate, j) => f[j] * rate);

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
  const squares = [];
  const masses = [];
  for (let k = 0; k < n; k++) {
    const at = length * Math.sinh(kappa * nodes[k]);
    squares.push(at * at);
    masses.push(weights[k] * length * kappa * Math.sqrt(1 + squares[k] / (length * length)));
  }
  return { squares, masses };
}

/**
 * Room for as many modes, kept: making it anew took as long as all sums. Besides factors of the integrand it holds, per
 * mode, what the first node alone decides of the determinant, and the sums over the second.
 */
const desks = new Map();
function deskFor(h) {
  if (!desks.has(h)) {
    const parts = ["a", "p", "spread", "mixed", "wf", "flat", "steep", "inverse", "pulled", "pulledTwice"];
    desks.set(h, Object.fromEntries(parts.map((part) => [part, new Float64Array(h)])));
  }
  return desks.get(h);
}

/** Exact drive for each feature at finite width, by quadrature over two variables; `n` nodes each, cut where `tail` is left. */
function exactRate(w, f, sigma2, n = 56, tail = 1e-14) {
  const s = 1 + sigma2;
  const h = w.length;
  if (f.filter((x) => x > 0).length < 2) return w.map(() => 0); // on a line both directions are signs
  const { a, p, spread, mixed, wf, flat, steep, inverse, pulled, pulledTwice } = deskFor(h);
  const rate = new Array(h);
  for (let k = 0; k < h; k++) {
    a[k] = 2 * s * f[k];
    p[k] = w[k] * w[k] * a[k];
    spread[k] = 2 * f[k] * (s * s - 1);
    mixed[k] = 2 * w[k] * w[k] * f[k] * spread[k];
    wf[k] = w[k] * f[k];
    rate[k] = 0;
  }
  const first = mapped(a, 1, n, tail);
  const second = mapped(p, 3, n, tail);
  for (let i = 0; i < n; i++) {
    const x = first.squares[i];
    for (let k = 0; k < h; k++) {
      flat[k] = 1 + a[k] * x;
      steep[k] = p[k] + mixed[k] * x;
      pulled[k] = pulledTwice[k] = 0;
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
      const pull = 2 * y * P;
      const pullCross = pull * cross;
      for (let k = 0; k < h; k++) {
        const uv = inverse[k];
        rate[k] += P * uv;
        pulled[k] += pullCross * uv;
        pulledTwice[k] += pull * uv * uv;
      }
    }
    for (let k = 0; k < h; k++) rate[k] -= w[k] * (s + spread[k] * x) * (pulled[k] + 2 * wf[k] * pulledTwice[k]);
  }
  return rate;
}
