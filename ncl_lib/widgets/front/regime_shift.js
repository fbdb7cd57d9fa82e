// Regime shift: sixteen modes over time with norms frozen, coupled and exact, and the ribbon of regimes of one of them.
import { classify, normsOf, sextic, solveModes } from "./model.js";
import { explorable, grid, phasePortrait, remembered, sweep } from "./draw.js";

export const name = "regime-shift";

const MODES = 16;
const TIMES = 81;
const END = 3; // of the time shown, in units of 1 / rho: how far weights fade on their own
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
const startOf = ({ size, spread }) => grid(-1, 1, MODES).map((x) => size * (1 + spread * x));

const legend = {
  "the mode": "ink", "other modes": "thin quiet", "stable equilibrium of the moment": "green", "saddle of the moment": "red dashed",
  "Collapse": "doom strong", "Acute": "warn", "Stable": "basin strong", "velocity at this moment": "", "with the norms of the start": "thin quiet dashed",
};

/** The three runs, each with the flow that its norms make at every time. */
function runsOf({ rho, sigma2, size, spread }) {
  const w = startOf({ size, spread });
  const f = w.map((x) => x * x);
  const times = grid(0, END / rho, TIMES);
  const norms = normsOf(w, f, sigma2);
  const runs = {
    frozen: solveModes(w, f, sigma2, rho, times, "sixth-order", norms, true),
    coupled: solveModes(w, f, sigma2, rho, times, "leading", null, true),
    exact: solveModes(w, f, sigma2, rho, times, "exact", null, true),
  };
  const still = sextic(sigma2, rho, norms);
  for (const [key, run] of Object.entries(runs)) {
    run.flows = run.t.map((_, i) => (key === "frozen" ? still : sextic(sigma2, rho, normsOf(run.w[i], run.f[i], sigma2))));
  }
  return runs;
}

// Moving the moment or the mode needs no new runs.
const recall = remembered(["rho", "sigma2", "size", "spread"], runsOf);

const COLOURS = { collapse: "doom strong", acute: "warn", stable: "basin strong" };

function redraw(state, views) {
  const runs = recall(state);
  const j = state.mode - 1;
  const top = 1.3 * Math.max(0.2, ...startOf(state));
  const low = Math.min(0, ...startOf(state)) * 1.1 - 0.12 * top;
  const strip = [low, low + 0.07 * top];
  const now = state.moment * END;
  const at = (run) => Math.min(run.t.length - 1, Math.round(state.moment * (TIMES - 1)));
  const said = [];
  for (const [key, run] of Object.entries(runs)) {
    const view = views[key];
    view.clear([0, END], [low, top]);
    const times = run.t.map((t) => t * state.rho);
    const coarse = times.flatMap((t, i) => (i % 2 ? [] : [[t, run.w[i]]]));
    for (let k = 0; k < MODES; k++) if (k !== j) view.curve(coarse.map(([t, w]) => [t, w[k]]), "thin quiet");
    const branch = (pick) => times.map((t, i) => [t, pick(run.flows[i].equilibria.filter((e) => e.w > 0))]);
    // Where there is no equilibrium, there is no line.
    for (const [kind, pick] of [["green", (e) => e.at(-1)?.w], ["red dashed", (e) => e[0]?.w]]) {
      const points = branch(pick);
      for (let from = 0, i = 0; i <= points.length; i++) {
        if (i < points.length && points[i][1] !== undefined) continue;
        if (i - from > 1) view.curve(points.slice(from, i), kind);
        from = i + 1;
      }
    }
    view.curve(times.map((t, i) => [t, run.w[i][j]]), "ink");
    const regimes = run.t.map((_, i) => classify(run.w[i][j] / run.flows[i].scale, run.flows[i].beta, run.flows[i].ratio));
    // Each time stands for the interval up to the next.
    for (let i = 0, from = 0; i < run.t.length; i++) {
      if (i + 1 < run.t.length && regimes[i] === regimes[from]) continue;
      view.rectangle(times[from], times[i], ...strip, COLOURS[regimes[from]]);
      from = i;
    }
    view.curve([[now, low], [now, top]], "thin ink");
    view.handle(times[at(run)], run.w[at(run)][j], (t) => ({ moment: Math.min(1, Math.max(0, t / END)) }));
    const path = regimes.filter((regime, i) => i === 0 || regime !== regimes[i - 1]);
    said.push(`${PICTURES[key]}: ${regimes[at(run)]} at this moment (${path.join(", then ")})`);
  }
  phaseLine(views.velocity, runs, at(runs.exact), j);
  return `Mode ${state.mode} at time ${(now / state.rho).toFixed(2)}, with ${said.join("; ")}.`;
}

/** Velocity of the mode under the norms of the moment, in the exact run, and under those of the start. */
function phaseLine(view, { frozen, exact }, at, j) {
  const [first, flow] = [frozen.flows[0], exact.flows[at]];
  const w = exact.w[at][j];
  const right = 1.25 * Math.max(0.05, w, ...flow.equilibria.map((e) => e.w), ...first.equilibria.map((e) => e.w));
  const left = Math.min(-0.15 * right, 1.1 * w);
  const ws = grid(left, right, 120);
  const values = ws.map(flow.velocity);
  const height = 1.3 * Math.max(1e-6, ...values.filter((_, k) => ws[k] > -0.15 * right && ws[k] < 0.9 * right).map(Math.abs));
  phasePortrait(view, flow, ws, values, height);
  view.curve(ws.map((x) => [x, first.velocity(x)]), "thin quiet dashed");
  view.mark(w, flow.velocity(w), "now");
}

export function render({ model, el }) {
  const view = (title) => ({ title: `Heads over time, ${title}`, xlabel: "time, in units of 1/ρ", ylabel: `head w, ${title}`, x: [0, 1], y: [0, 1], height: 240 });
  const views = Object.fromEntries(Object.entries(PICTURES).map(([key, title]) => [key, view(title)]));
  views.velocity = { title: "Velocity of the mode at this moment of the exact run", xlabel: "head w", ylabel: "velocity at this moment", x: [0, 1], y: [0, 1], height: 240 };
  return explorable({ model, el, name, parameters, presets, play: sweep("moment", 0, 1), views, legend, redraw });
}
