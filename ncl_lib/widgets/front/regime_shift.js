// Regime shift: sixteen modes over time with norms frozen, coupled and exact, and the ribbon of regimes of one of them.
import { classify, normsOf, sextic, solveModes } from "./model.js";
import { explorable, grid } from "./draw.js";

export const name = "regime-shift";

const MODES = 16;
const TIMES = 81;
const NODES = 10; // enough for a picture; the model's own default is for the tests
const PICTURES = { frozen: "norms frozen", coupled: "norms coupled", exact: "exact" };

const parameters = [
  { name: "rho", label: "Weight decay ρ", min: 0.05, max: 3, step: 0.01, value: 0.5, digits: 2 },
  { name: "sigma2", label: "Noise of the views σ²", min: 0, max: 2, step: 0.01, value: 0.5, digits: 2 },
  { name: "size", label: "Size of the heads at the start", min: 0.1, max: 1.5, step: 0.01, value: 0.6, digits: 2 },
  { name: "spread", label: "Spread of the heads at the start", min: 0, max: 1.5, step: 0.01, value: 0.8, digits: 2 },
  { name: "mode", label: "Mode, 1 is the smallest", min: 1, max: MODES, step: 1, value: 10, digits: 0 },
  { name: "moment", label: "Moment, as a share of the time shown", min: 0, max: 1, step: 0.005, value: 0.5, digits: 3 },
];

const presets = {
  Collapse: { rho: 2, size: 1, spread: 0.6, mode: 12, moment: 0 },
  Acute: { rho: 0.5, size: 0.6, spread: 0.95, mode: 1, moment: 0.65 },
  Stable: { rho: 0.5, size: 0.6, spread: 0.8, mode: 12, moment: 0.8 },
};

/** Heads at the start: spread around their size, from below to above. */
export const startOf = ({ size, spread }) => grid(-1, 1, MODES).map((x) => size * (1 + spread * x));

/** The three runs, each with the flow that the chosen norms make at every time. */
function runsOf({ rho, sigma2, size, spread }) {
  const w = startOf({ size, spread });
  const f = w.map((x) => x * x);
  const times = grid(0, 3 / rho, TIMES);
  const still = normsOf(w, f, sigma2);
  const runs = {
    frozen: solveModes(w, f, sigma2, rho, times, "sixth-order", still, 1e-4),
    coupled: solveModes(w, f, sigma2, rho, times, "leading", null, 1e-4),
    exact: solveModes(w, f, sigma2, rho, times, "exact", null, 1e-4, NODES),
  };
  for (const [key, run] of Object.entries(runs)) {
    const flow = (k) => sextic(sigma2, rho, key === "frozen" ? still : normsOf(run.w[k], run.f[k], sigma2));
    run.flows = run.t.map((_, k) => (key === "frozen" && k ? null : flow(k)));
    if (key === "frozen") run.flows.fill(run.flows[0]);
  }
  return runs;
}

let remembered = { key: "", runs: null }; // moving the moment or the mode needs no new runs
function recall(state) {
  const key = [state.rho, state.sigma2, state.size, state.spread].join();
  if (remembered.key !== key) remembered = { key, runs: runsOf(state) };
  return remembered.runs;
}

const COLOURS = { collapse: "doom strong", acute: "warn", stable: "basin strong" };

function redraw(state, views) {
  const runs = recall(state);
  const j = state.mode - 1;
  const end = 3 / state.rho;
  const top = 1.3 * Math.max(0.2, ...startOf(state));
  const low = Math.min(0, ...startOf(state)) * 1.1 - 0.12 * top;
  const strip = [low, low + 0.07 * top];
  const now = state.moment * end;
  const said = [];
  for (const [key, run] of Object.entries(runs)) {
    const view = views[key];
    view.clear([0, end], [low, top]);
    for (let k = 0; k < MODES; k++) if (k !== j) view.curve(run.t.map((t, i) => [t, run.w[i][k]]), "thin quiet");
    const branch = (pick) => run.t.map((t, i) => [t, pick(run.flows[i].equilibria.filter((e) => e.w > 0))]);
    // Where there is no equilibrium, there is no line.
    for (const [kind, pick] of [["green", (e) => e.at(-1)?.w], ["red dashed", (e) => e[0]?.w]]) {
      const points = branch(pick);
      for (let from = 0, i = 0; i <= points.length; i++) {
        if (i < points.length && points[i][1] !== undefined) continue;
        if (i - from > 1) view.curve(points.slice(from, i), kind);
        from = i + 1;
      }
    }
    view.curve(run.t.map((t, i) => [t, run.w[i][j]]), "ink");
    const regimes = run.t.map((_, i) => classify(run.w[i][j] / run.flows[i].scale, run.flows[i].beta, run.flows[i].ratio));
    // Each time stands for the interval up to the next.
    for (let i = 0, from = 0; i < run.t.length; i++) {
      if (i + 1 < run.t.length && regimes[i] === regimes[from]) continue;
      view.rectangle(run.t[from], run.t[i], ...strip, COLOURS[regimes[from]]);
      from = i;
    }
    view.curve([[now, low], [now, top]], "thin ink");
    const at = Math.min(run.t.length - 1, Math.round(state.moment * (TIMES - 1)));
    view.handle(run.t[at], run.w[at][j], (t) => ({ moment: Math.min(1, Math.max(0, t / end)) }));
    const path = regimes.filter((regime, i) => i === 0 || regime !== regimes[i - 1]);
    said.push(`${PICTURES[key]}: ${regimes[at]} at this moment (${path.join(", then ")})`);
  }
  return `Mode ${state.mode} at time ${now.toFixed(2)}. ${said.join("; ")}.`;
}

export function render({ model, el }) {
  const view = (title) => ({ title: `Heads over time, ${title}`, xlabel: "time t", ylabel: `head w, ${title}`, x: [0, 1], y: [0, 1], height: 240 });
  const views = Object.fromEntries(Object.entries(PICTURES).map(([key, title]) => [key, view(title)]));
  return explorable({ model, el, name, parameters, presets, views, redraw });
}
