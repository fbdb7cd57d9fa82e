// Regime shift: sixteen modes over time with norms frozen, coupled and exact, and the ribbon of regimes of one of them.
import { normsOf } from "./averages.js";
import { explorable } from "./explorable.js";
import { grid, phasePortrait, remembered, sweep } from "./figures.js";
import { classify, sextic } from "./lines.js";
import { fading, frozenModes, shapeOf } from "./modes.js";
import { bounds } from "./parameters.js";

export const name = "regime-shift";

const [, MODES] = bounds(name, "mode");
const TIMES = 81;
const END = 3; // of the time shown, in units of 1 / rho: how far weights fade on their own
const PICTURES = { frozen: "norms frozen", coupled: "norms coupled", exact: "exact" };

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

/**
 * Shapes without decay of modes that start at size 1, coupled and exact. The size of the weights is a unit of the clock:
 * so one run holds all sizes and all decays.
 */
function shapesOf({ sigma2, spread }) {
  const w = startOf({ size: 1, spread });
  const f = w.map((x) => x * x);
  const shape = (closure) => shapeOf(w, f, sigma2, closure, true);
  return { coupled: shape("leading"), exact: shape("exact") };
}

const recallShapes = remembered(["sigma2", "spread"], shapesOf);

/** The same shape of modes that start at another size. */
const ofSize = ({ at, reaches }, size) => ({
  at(tau) {
    const { w, f } = at(tau / size ** 2);
    return { w: w.map((x) => size * x), f: f.map((x) => size ** 2 * x) };
  },
  reaches: (tau) => reaches(tau / size ** 2),
});

/** A run with the flow that its norms make at every time, and the lines of all modes. */
function recorded({ t, w, f }, flowAt, rho) {
  const times = t.map((time) => time * rho);
  const flows = t.map((_, i) => flowAt(w[i], f[i]));
  const coarse = [...times.keys()].filter((i) => i % 2 === 0);
  const positive = flows.map((flow) => flow.equilibria.filter((e) => e.w > 0));
  return {
    t, w, f, times, flows,
    lines: w[0].map((_, k) => coarse.map((i) => [times[i], w[i][k]])),
    stable: pieces(times, positive.map((e) => e.at(-1)?.w)),
    saddle: pieces(times, positive.map((e) => e[0]?.w)),
  };
}

/** A line in pieces: where there is no equilibrium, there is no line. */
function pieces(times, heights) {
  const found = [];
  for (let from = 0, i = 0; i <= times.length; i++) {
    if (i < times.length && heights[i] !== undefined) continue;
    if (i - from > 1) found.push(times.slice(from, i).map((t, k) => [t, heights[from + k]]));
    from = i + 1;
  }
  return found;
}

/** The three runs. */
function runsOf(state) {
  const { rho, sigma2, size } = state;
  const w = startOf(state);
  const times = grid(0, END / rho, TIMES);
  const norms = normsOf(w, w.map((x) => x * x), sigma2);
  const still = sextic(sigma2, rho, norms);
  const moving = (w, f) => sextic(sigma2, rho, normsOf(w, f, sigma2));
  const { coupled, exact } = recallShapes(state);
  return {
    frozen: recorded(frozenModes(w, sigma2, rho, times, norms, true), () => still, rho),
    coupled: recorded(fading(ofSize(coupled, size), rho, times), moving, rho),
    exact: recorded(fading(ofSize(exact, size), rho, times), moving, rho),
  };
}

// Moving the moment or the mode needs no new runs.
const recall = remembered(["rho", "sigma2", "size", "spread"], runsOf);

/** What is drawn of one mode of a run beside the lines of all: its line, and the ribbon of its regimes. */
function modeOf({ t, times, w, flows }, j) {
  const regimes = t.map((_, i) => classify(w[i][j] / flows[i].scale, flows[i].beta, flows[i].ratio));
  const ribbon = []; // of each piece its ends and its regime; a time stands for the interval up to the next
  for (let i = 0, from = 0; i < t.length; i++) {
    if (i + 1 < t.length && regimes[i] === regimes[from]) continue;
    ribbon.push([times[from], times[i], regimes[from]]);
    from = i;
  }
  return { line: times.map((time, i) => [time, w[i][j]]), regimes, ribbon };
}

const recallMode = remembered(["rho", "sigma2", "size", "spread", "mode"], (state) =>
  Object.fromEntries(Object.entries(recall(state)).map(([key, run]) => [key, modeOf(run, state.mode - 1)])),
);

const COLOURS = { collapse: "doom strong", acute: "warn", stable: "basin strong" };

/** One run in its picture, with the mode j at the time of index `at`. */
function drawRun(view, run, { line, ribbon }, j, at, now, [low, top]) {
  const strip = [low, low + 0.07 * top];
  view.clear([0, END], [low, top]);
  for (let k = 0; k < MODES; k++) if (k !== j) view.curve(run.lines[k], "thin quiet");
  for (const points of run.stable) view.curve(points, "green");
  for (const points of run.saddle) view.curve(points, "red dashed");
  view.curve(line, "ink");
  for (const [from, to, regime] of ribbon) view.rectangle(from, to, ...strip, COLOURS[regime]);
  view.curve([[now, low], [now, top]], "thin ink");
  view.handle(run.times[at], run.w[at][j], (t) => ({ moment: Math.min(1, Math.max(0, t / END)) }));
}

function redraw(state, views) {
  const runs = recall(state);
  const modes = recallMode(state);
  const j = state.mode - 1;
  const start = startOf(state);
  const top = 1.3 * Math.max(0.2, ...start);
  const low = Math.min(0, ...start) * 1.1 - 0.12 * top;
  const now = state.moment * END;
  const at = (run) => Math.min(run.t.length - 1, Math.round(state.moment * (TIMES - 1)));
  const said = Object.entries(runs).map(([key, run]) => {
    drawRun(views[key], run, modes[key], j, at(run), now, [low, top]);
    const { regimes } = modes[key];
    const path = regimes.filter((regime, i) => i === 0 || regime !== regimes[i - 1]);
    return `${PICTURES[key]}: ${regimes[at(run)]} at this moment (${path.join(", then ")})`;
  });
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
  return explorable({ model, el, name, presets, play: sweep(name, "moment"), views, legend, redraw });
}
