// Phase diagram: coupling and decay ratio decide which equilibria exist, the size of a mode where it goes.
import { classify, criticalRatio, fold, normalForm } from "./lines.js";
import { explorable } from "./explorable.js";
import { grid, listed, phasePortrait } from "./figures.js";
import { bounds } from "./parameters.js";

export const name = "phase-diagram";

const BETA = bounds(name, "beta");
const RATIO = bounds(name, "ratio");
const [, SIZE] = bounds(name, "scaled");

const presets = {
  Collapse: { beta: 1.4, ratio: 1, scaled: 0.7 },
  Acute: { beta: 1, ratio: 0.15, scaled: 0.12 },
  Stable: { beta: 1, ratio: 0.15, scaled: 0.5 },
};

const legend = {
  "border r_c(β)": "ink", "Collapse": "doom", "Acute, at this size": "warn weak", "Stable, at this size": "basin",
  "what shrinking weights do": "thin ink dashed",
};

/** Up to which ratio a mode of size scaled is Stable at this coupling; it is Acute from there to the border. */
function stableUpTo(scaled, beta) {
  if (scaled > fold(beta)) return criticalRatio(beta);
  return scaled * (1 - scaled * (beta + scaled ** 3));
}

function words({ beta, ratio, scaled }, flow) {
  const regime = classify(scaled, beta, ratio);
  const verdict = {
    collapse: "Collapse: with these norms held there is no positive equilibrium.",
    acute: "Acute: a positive equilibrium exists, but with these norms held the mode is too small to reach it.",
    stable: "Stable: with these norms held the mode goes to the positive equilibrium.",
  }[regime];
  return `${verdict} Coupling ${beta.toFixed(2)}, decay ratio ${ratio.toFixed(3)}, border at ${flow.critical.toFixed(4)}. Equilibria in units of the flow's scale: ${listed(flow.equilibria)}.`;
}

function redraw(state, { diagram, velocity }, held) {
  const { beta, ratio, scaled } = state;
  const betas = grid(...BETA, 121);
  const border = betas.map((b) => [b, criticalRatio(b)]);
  const stable = betas.map((b) => [b, Math.max(stableUpTo(scaled, b), RATIO[0])]);
  const back = (points) => points.slice().reverse();
  diagram.clear();
  diagram.area([...border, [BETA[1], RATIO[1]], [BETA[0], RATIO[1]]], "doom");
  diagram.area([...border, ...back(stable)], "warn weak");
  diagram.area([...stable, [BETA[1], RATIO[0]], [BETA[0], RATIO[0]]], "basin");
  diagram.curve(border, "ink");
  diagram.curve([[beta, ratio], [beta, RATIO[0]]], "thin ink dashed");
  diagram.words(2.6, 1, "Collapse");
  diagram.words(0.2, Math.sqrt(RATIO[0] * Math.max(stableUpTo(scaled, 0.2), RATIO[0])), "Stable");
  diagram.words(0.2, Math.sqrt(criticalRatio(0.2) * Math.max(stableUpTo(scaled, 0.2), RATIO[0])), scaled < 0.3 ? "Acute" : "");
  if (state.beta !== held.beta || state.ratio !== held.ratio) diagram.mark(beta, ratio, "open");
  diagram.handle(held.beta, held.ratio, (b, r) => ({ beta: b, ratio: r }));
  diagram.hover = (b, r) => ({
    beta: Math.min(BETA[1], Math.max(BETA[0], b)),
    ratio: Math.min(RATIO[1], Math.max(RATIO[0], r)),
  });

  const flow = normalForm(beta, ratio);
  const vs = grid(-0.2, SIZE, 160);
  const values = vs.map(flow.velocity);
  const top = Math.max(flow.equilibria.at(-1).w, 0.6);
  const height = 1.4 * Math.max(...vs.map((x, k) => (x > 0 && x < top ? Math.abs(values[k]) : 0)), 0.02);
  phasePortrait(velocity, flow, vs, values, height);
  velocity.handle(scaled, flow.velocity(scaled), (x) => ({ scaled: x }));
  return words(state, flow);
}

export function render({ model, el }) {
  const views = {
    diagram: { title: "Universal diagram: regimes by coupling and decay ratio", xlabel: "coupling β", ylabel: "decay ratio r", x: BETA, y: RATIO, log: "y" },
    velocity: { title: "Velocity of the mode at this point of the diagram", xlabel: "scaled mode w / ℓ", ylabel: "its velocity", x: [-0.2, SIZE], y: [-1, 1] },
  };
  // Decay takes all weights down together: the coupling stays and the ratio falls with the square of the size.
  const play = {
    name: "ratio",
    label: "Let all weights shrink",
    begin: ({ ratio }) => (ratio > RATIO[0] ? ratio : RATIO[1]),
    next: ({ ratio }, seconds) => (ratio > RATIO[0] ? ratio * Math.exp(-seconds) : null),
  };
  return explorable({ model, el, name, presets, play, views, legend, redraw });
}
