// Features at rest under the cosine loss: what the noise of batches leaves of them, as in ncl_lib.noise.
// Names and formulas are those of the library; see the docstrings there. Tested against it on golden values.
import { bisect, criticalRatio, universal } from "./lines.js";

/** Up to this share of noise in the head no direction was seen to die. */
export const SAFE = 0.11;
const FAINTEST = 0.3; // share of signal, far beyond that

/** Gauss's hypergeometric function for 0 <= z < 1, by its series. */
export function hyp2f1(a, b, c, z) {
  let [term, total] = [1, 1];
  for (let n = 0; term > 1e-18 * total; n++) {
    term *= (((a + n) * (b + n)) / ((c + n) * (1 + n))) * z;
    total += term;
  }
  return total;
}

/** Mean squared sine between two correlated normal vectors of h numbers; a = 2: over the square of one's length. */
const meanSquaredSine = (h, a, share) => ((h - 1) / h) * (1 - share) * hyp2f1(a, 1, h / 2 + 1, share);

/** Mean cosine between two such vectors. */
export function meanCosine(h, correlation) {
  let ratio = h % 2 ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2; // of Gamma((k + 1) / 2) to Gamma(k / 2)
  for (let k = h % 2 ? 1 : 2; k < h; k += 2) ratio *= (k + 1) / k;
  return ((2 * ratio * ratio) / h) * correlation * hyp2f1(0.5, 0.5, h / 2 + 1, correlation ** 2);
}

/** The largest share of signal that a head can have, at whatever batch: steps are too long for more. */
function largest(turn) {
  const most = 2 - turn;
  return (2 * most) / (most + Math.sqrt(most * (most + 4 * turn)));
}

/** What the share x of the signal in the head decides, for h features, d inputs and this noise of the views. */
function balanceOf(h, d, sigma2) {
  const s = 1 + sigma2;
  const share = 1 / s ** 2;
  const cosine = meanCosine(h, 1 / s);
  const delta = Math.sqrt(1 + ((d - h) * meanSquaredSine(h, 2, share)) / ((h - 2) * meanSquaredSine(h, 1, share)));
  const [ofEncoder, ofHead] = [1 - (4 - 2 * share) / (h + 2), 1 - (2 + 2 * share) / (h + 2)];

  /** Squared norm of a head that rests with this share of signal. */
  const head = (x) => (h * cosine * (1 - x)) / ((h + 1) * Math.sqrt(x));
  /** One over the batch for which the share is this one. */
  const inverseBatch = (turn, x) =>
    (head(x) ** 2 * (2 - turn - (turn * x * x) / (1 - x))) / (turn * h * meanSquaredSine(h, 1, x * share));
  /** What makes features equal again, and what slows it down. */
  function restoring(x) {
    const moved = 1 - x - (1 - share) / (h + 2);
    const diluted = ofEncoder * (1 - (1 - x) * (1 + 2 / delta));
    return [1 - diluted + ofHead / delta - 2 * moved * (1 + x / delta), 1 - (2 * moved * x) / delta];
  }
  /** Relative variance of the eigenvalues of the features. */
  function spread(turn, inverse, x) {
    const [held, slowed] = restoring(x);
    const byHead = (((h + 2) / (h + 1)) * (1 - x * x)) / delta ** 2;
    const steps = turn * h * ((1 + delta ** -2) * inverse + 2 / d);
    const shaken = 2 * (1 - x) * (1 + (x / delta) * (ofEncoder - ofHead / delta));
    const together = (4 * (1 - x) * shaken) / (delta * slowed);
    return held > 0 ? byHead + together + (steps + shaken ** 2) / (held * slowed) : Infinity;
  }
  /** Place in the universal diagram, and decay ratio over its critical value there. */
  function place(x) {
    const size = head(x);
    const encoder = delta * size;
    const norms = { phi: Math.sqrt(s * encoder), psi: Math.sqrt((s * size * encoder) / h), cross: Math.sqrt((x * size) / h) * encoder };
    const { beta, ratio } = universal(sigma2, 1, norms);
    return { beta, ratio, excess: ratio / criticalRatio(beta) };
  }
  return { inverseBatch, restoring, spread, place };
}

/**
 * The law for h >= 3 features, d >= h inputs and views with noise. `turn` is learning rate times decay; decay itself is
 * 1, since only their product counts. With it the share gives the batch without a search, which rises with the share, so
 * that lines in the plane of steps and batches are cheap.
 */
export function restLaw(h, d, sigma2) {
  const { inverseBatch, restoring, spread, place } = balanceOf(h, d, sigma2);
  const batchOf = (turn, x) => (x < largest(turn) ? 1 / inverseBatch(turn, x) : Infinity);

  /** What noise leaves at this batch; no rank where even equal features would not return. */
  function at(turn, batch) {
    const x = bisect((y) => inverseBatch(turn, y) - 1 / batch, 0, largest(turn));
    const [held, slowed] = restoring(x);
    const rank = held > 0 ? Math.max(1, h / (1 + spread(turn, 1 / batch, x))) : NaN;
    return { signal: x, rank, returnRate: held / slowed, survive: 1 - x <= SAFE, ...place(x) };
  }
  /** Batch above which features survive, infinite where steps are too long for any. */
  const border = (turn) => batchOf(turn, 1 - SAFE);
  /** Batch from which the effective rank is this part of h, infinite where none is large enough. */
  function contour(turn, part) {
    const top = largest(turn);
    const missing = (x) => part * (1 + spread(turn, inverseBatch(turn, x), x)) - 1;
    if (missing(top) >= 0) return Infinity;
    return batchOf(turn, bisect(missing, FAINTEST, top, 26)); // to a hundredth of a pixel
  }
  return { at, border, contour };
}
