// Integration in time: a path that is walked step by step and then read anywhere, as in ncl_lib._solve.

const BLOW_UP = 1e8; // how far beyond its start a solution has run away

/**
 * Walk along a solution from y at `start` towards `end`, and yield every accepted step. What a step is,
 * `attempt(t, y, dt, slope)` says: the `next` state, its `error` in units of what is allowed, the state `inside` the
 * step a share x after its start, and the `slope` at its end; `rescale(error)` is how its length changes.
 */
function* march(y, [start, end], { step, slope, attempt, rescale, most }) {
  let t = start;
  for (let count = 0; t < end && count < most; count++) {
    const dt = Math.min(step, end - t);
    const { next, error, inside, slopeAt } = attempt(t, y, dt, slope);
    if (error <= 1) {
      const reached = dt === end - t ? end : t + dt;
      yield { from: t, dt, reached, next, inside };
      [t, y, slope] = [reached, next, slopeAt(reached)];
    }
    step = dt * (Number.isFinite(error) ? rescale(error) : 0.2);
  }
}

/** Share of a step after which `height` has fallen below 0, which it has at its end. */
function crossing(height) {
  let [low, high] = [0, 1];
  for (let k = 0; k < 40; k++) {
    const middle = (low + high) / 2;
    if (height(middle) < 0) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The path of all steps, walked as far as somebody asks: its state `at` any time, held from its end on; whether it
 * `reaches` a time; and how it ends, `ended()`, as {status, time} with the words of the library: "ok", "blow-up",
 * "stalled", or "singular" where `vanishing(y)` has fallen below 0.
 */
function pathAlong(steps, y0, range, vanishing) {
  const limit = BLOW_UP * Math.max(1, ...y0.map(Math.abs));
  const ends = { "blow-up": (y) => limit - Math.max(...y.map(Math.abs)), ...(vanishing && { singular: vanishing }) };
  const walked = [];
  let time = range[0]; // up to which it has been walked
  let status = null;
  const walkTo = (t) => {
    while (time < t && !status) {
      const { done, value: step } = steps.next();
      if (done) {
        status = time === range[1] ? "ok" : "stalled";
        break;
      }
      walked.push(step);
      status = Object.keys(ends).find((verdict) => ends[verdict](step.next) < 0) ?? null;
      time = status ? step.from + step.dt * crossing((x) => ends[status](step.inside(x))) : step.reached;
    }
  };
  return {
    at(asked) {
      walkTo(asked);
      const t = Math.min(asked, time);
      if (t <= range[0]) return y0.slice();
      let [low, high] = [0, walked.length - 1]; // the first step that reaches t is between them
      while (low < high) {
        const middle = (low + high) >> 1;
        if (walked[middle].reached < t) low = middle + 1;
        else high = middle;
      }
      return walked[low].inside((t - walked[low].from) / walked[low].dt);
    },
    reaches(t) {
      walkTo(t);
      return t <= time;
    },
    ended() {
      walkTo(Infinity);
      return { status, time };
    },
  };
}

/** States of a path at those of these times that it reaches. */
export const statesAt = (path, times) => times.filter(path.reaches).map(path.at);

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

/** Component j of slopes, weighed. */
function weighed(weights, k, j) {
  let total = 0;
  for (let m = 0; m < weights.length; m++) total += weights[m] * k[m][j];
  return total;
}

/** Path of y' = velocity(t, y) over a range of times. */
export function integrate(velocity, y0, range, tolerance = 1e-8, vanishing = null) {
  const attempt = (t, y, dt, slope) => {
    const k = [slope];
    let next = null;
    for (let stage = 0; stage < 6; stage++) {
      next = y.map((value, j) => value + dt * weighed(A[stage], k, j));
      k.push(velocity(t + C[stage] * dt, next));
    }
    let error = 0;
    for (let j = 0; j < y.length; j++) {
      const size = tolerance * (1e-3 + Math.max(Math.abs(y[j]), Math.abs(next[j])));
      error = Math.max(error, Math.abs(dt * weighed(E, k, j)) / size);
    }
    return { next, error, inside: (x) => (x >= 1 ? next.slice() : between(y, next, k, dt, x)), slopeAt: () => k[6] };
  };
  const step = Math.min((range[1] - range[0]) / 100, 0.01) || 1e-6;
  const rescale = (error) => Math.min(5, Math.max(0.2, 0.9 * (error || 1e-10) ** -0.2));
  return pathAlong(march(y0, range, { step, slope: velocity(range[0], y0), attempt, rescale, most: 50000 }), y0, range, vanishing);
}

/** State inside a step, a share x of it after its start. */
function between(y, next, k, dt, x) {
  return y.map((value, j) => {
    const change = next[j] - value;
    const start = dt * k[0][j] - change;
    const bend = change - dt * k[6][j] - start;
    return value + x * (change + (1 - x) * (start + x * (bend + (1 - x) * dt * weighed(D, k, j))));
  });
}

/**
 * The same for a picture, to about `tolerance`: the linearly implicit two-stage method of order 2 that keeps its order
 * for any matrix in the place of the Jacobian, here a `diagonal`, so that modes at rest do not keep steps short. Its
 * error is estimated against its first stage, which bounds what a straight line between two steps leaves out. Every
 * step is led back by `restore` to what the flow conserves.
 */
export function sketch(velocity, diagonal, y0, range, tolerance, vanishing = null, restore = (y) => y) {
  const gamma = 1 - Math.SQRT1_2;
  const attempt = (t, y, dt, slope) => {
    const rates = diagonal(t, y, slope);
    const k1 = slope.map((value, j) => (dt * value) / (1 - gamma * dt * rates[j]));
    const middle = velocity(t + dt, y.map((value, j) => value + k1[j]));
    const k2 = middle.map((value, j) => (dt * value - 2 * k1[j]) / (1 - gamma * dt * rates[j]));
    const next = restore(y.map((value, j) => value + 1.5 * k1[j] + 0.5 * k2[j]));
    let error = 0;
    for (let j = 0; j < y.length; j++) {
      // Where it is large, it is the logarithm of what is drawn; far below 0, of nothing.
      const size = tolerance * (0.1 + Math.max(-next[j], Math.min(1, next[j])));
      error = Math.max(error, Math.abs(k1[j] + k2[j]) / 2 / size);
    }
    const inside = (x) => y.map((value, j) => value + x * (next[j] - value));
    return { next, error, inside, slopeAt: (reached) => velocity(reached, next) };
  };
  const step = (range[1] - range[0]) / 50;
  const rescale = (error) => Math.min(3, Math.max(0.2, 0.9 / Math.sqrt(error || 1e-4)));
  return pathAlong(march(y0, range, { step, slope: velocity(range[0], y0), attempt, rescale, most: 600 }), y0, range, vanishing);
}
