// Phase line: the velocity of one mode beside its bifurcation diagram, sharing the axis of w, and the mode over time.
import { classify, cubic, modeOverTime, sextic } from "./lines.js";
import { explorable } from "./explorable.js";
import { barrierOf, grid, kindOf, listed, phasePortrait, sweep } from "./figures.js";
import { bounds } from "./parameters.js";

export const name = "phase-line";

const RANGE = bounds(name, "w");
const DECAYS = bounds(name, "rho");
const [, END] = bounds(name, "time");
const TIMES = 121;

const idle = { size: ({ loss }) => loss === "L2" };

// Each holds for both losses.
const presets = {
  Collapse: { sigma2: 0.5, rho: 0.3, w: 0.5, size: 1 },
  Acute: { sigma2: 0.5, rho: 0.05, w: 0.03, size: 0.6 },
  Stable: { sigma2: 0.5, rho: 0.02, w: 0.3, size: 0.6 },
};

const legend = {
  "stable equilibrium": "dot", "unstable or half-stable": "dot open", "start, to drag": "handle", "by now": "dot now",
  "stable branch": "green", "unstable branch": "red dashed", "goes to the positive equilibrium": "basin", "does not": "doom",
};

/** The flow: for the cosine loss with the norms of eight equal modes of one size. */
function flowOf({ loss, sigma2, size }, rho) {
  if (loss === "L2") return cubic(sigma2, rho);
  const [s, h] = [1 + sigma2, 8];
  return sextic(sigma2, rho, { phi: Math.sqrt(s * h) * size, psi: Math.sqrt(s * h) * size ** 2, cross: h * size ** 3 });
}

/** Regime of a mode at w. */
function regimeOf(state, flow) {
  if (state.loss === "cosine") return classify(state.w / flow.scale, flow.beta, flow.ratio);
  if (state.rho > flow.critical * (1 + 1e-12)) return "collapse";
  return state.w > barrierOf(flow) ? "stable" : "acute";
}

function words(state, flow, now) {
  const regime = regimeOf(state, flow);
  const verdict = {
    collapse: "Collapse: no positive equilibrium exists, the mode dies.",
    acute: "Acute: a positive equilibrium exists, but the mode starts on the wrong side of the unstable one.",
    stable: "Stable: the mode goes to the stable positive equilibrium.",
  }[regime];
  const place = now === undefined ? "has run away" : `is at ${now.toFixed(3)}`;
  return `${verdict} At time ${state.time.toFixed(1)} it ${place}. Critical decay ${flow.critical.toFixed(4)}. Equilibria: ${listed(flow.equilibria)}.`;
}

function redraw(state, { velocity, diagram, history }) {
  const flow = flowOf(state, state.rho);
  const ws = grid(...RANGE, 200);
  const values = ws.map(flow.velocity);
  const top = Math.max(...flow.equilibria.map((e) => e.w), 0.3);
  const height = 1.5 * Math.max(...ws.map((w, k) => (w > -0.1 && w < top ? Math.abs(values[k]) : 0)), 0.01);
  const barrier = Math.min(barrierOf(flow), RANGE[1]);
  const times = grid(0, END, TIMES);
  const path = modeOverTime(flow, state.w, times);
  const at = Math.round((state.time / END) * (TIMES - 1));
  const now = path[at];

  phasePortrait(velocity, flow, ws, values, height);
  velocity.handle(state.w, flow.velocity(state.w), (w) => ({ w }));

  // The diagram, with w across as on the left: decay at which a given w is at rest.
  const free = flowOf(state, 0);
  const branch = grid(0.001, RANGE[1], 160).map((w) => [w, free.velocity(w) / w]);
  const edge = branch.reduce((best, point, k) => (point[1] > branch[best][1] ? k : best), 0);
  diagram.clear();
  diagram.curve([[0, DECAYS[0]], [0, DECAYS[1]]], "green");
  diagram.curve(branch.slice(0, edge + 1), "red dashed");
  diagram.curve(branch.slice(edge).filter(([, rho]) => rho >= 0), "green");
  diagram.curve([[RANGE[0], state.rho], [RANGE[1], state.rho]], "thin ink");
  for (const e of flow.equilibria) diagram.mark(e.w, state.rho, kindOf(e));
  diagram.handle(state.w, state.rho, (w, rho) => ({ w, rho }));

  history.clear();
  history.rectangle(0, END, RANGE[0], barrier, "doom");
  history.rectangle(0, END, barrier, RANGE[1], "basin");
  for (const e of flow.equilibria) history.curve([[0, e.w], [END, e.w]], e.kind === "stable" ? "thin green" : "thin red dashed");
  history.curve(path.map((w, k) => [times[k], w]), "ink");
  history.curve([[state.time, RANGE[0]], [state.time, RANGE[1]]], "thin ink");
  history.handle(state.time, now ?? RANGE[0], (time) => ({ time }), "blue");
  if (now !== undefined) {
    velocity.mark(now, flow.velocity(now), "now");
    diagram.mark(now, state.rho, "now");
  }
  return words(state, flow, now);
}

export function render({ model, el }) {
  const views = {
    velocity: { title: "Velocity of the mode against its head eigenvalue", xlabel: "head eigenvalue w", ylabel: "velocity dw/dt", x: RANGE, y: [-0.1, 0.1] },
    diagram: { title: "Bifurcation diagram: weight decay at which a head eigenvalue is at rest", xlabel: "head eigenvalue w", ylabel: "weight decay ρ", x: RANGE, y: DECAYS },
    history: { title: "The mode over time", xlabel: "time t", ylabel: "head eigenvalue w", x: [0, END], y: RANGE },
  };
  return explorable({ model, el, name, presets, idle, play: sweep(name, "time"), views, legend, redraw });
}
