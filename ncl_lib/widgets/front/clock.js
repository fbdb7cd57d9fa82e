// Clock: one mode under three decays, over time and over the clock on which all of them have the same shape.
import { clock, participationRatio, solveModes } from "./model.js";
import { explorable, grid, remembered, sweep } from "./draw.js";

export const name = "clock";

const MODES = 8;
const END = 8; // of the time shown
const TIMES = 65;
const DECAY = 0.5;
const FIRST = 0.1; // on the logarithmic axis of the clock

const parameters = [
  { name: "rho1", label: "First decay ρ₁", min: 0, max: DECAY, step: 0.005, value: 0, digits: 3 },
  { name: "rho2", label: "Second decay ρ₂", min: 0, max: DECAY, step: 0.005, value: 0.15, digits: 3 },
  { name: "rho3", label: "Third decay ρ₃", min: 0, max: DECAY, step: 0.005, value: 0.5, digits: 3 },
  { name: "sigma2", label: "Noise of the views σ²", min: 0, max: 2, step: 0.01, value: 0.5, digits: 2 },
  { name: "spread", label: "Spread of the heads at the start", min: 0, max: 2, step: 0.01, value: 1.4, digits: 2 },
  { name: "mode", label: "Mode, 1 is the smallest", min: 1, max: MODES, step: 1, value: 2, digits: 0 },
  { name: "time", label: "Time t", min: 0, max: END, step: 0.05, value: 3, digits: 2 },
];

const presets = {
  "Without decay": { rho1: 0, rho2: 0, rho3: 0 },
  "Weak, medium, strong": { rho1: 0.05, rho2: 0.15, rho3: 0.5 },
  "A head of the wrong sign": { spread: 1.8, mode: 1 },
};

const KINDS = ["", "red dashed", "green dotted"];
const COLOURS = ["blue", "red", "green"];
const legend = { "first decay": "", "second decay": "red dashed", "third decay": "green dotted", "other modes": "thin quiet" };

/** Heads and features at the start: heads around 0.4, and 0.3 more of features than balance would give. */
const startOf = ({ spread }) => {
  const w = grid(-1, 1, MODES).map((x) => 0.4 * (1 + spread * x));
  return [w, w.map((x) => x * x + 0.3)];
};

/** The one run without decay that holds all shapes, at the readings of all clocks. */
function shapesOf(state) {
  const [w, f] = startOf(state);
  const last = clock(END, DECAY);
  const taus = [0, ...grid(-2, Math.log10(last), 140).map((x) => 10 ** x)];
  return solveModes(w, f, state.sigma2, 0, taus, "exact", null, true);
}

// Decays, mode and time need no new run: that is the theorem.
const recall = remembered(["sigma2", "spread"], shapesOf);

/** Shape at a reading of the clock, between those of the run. */
function shapeAt(run, tau) {
  let k = run.t.findIndex((reading) => reading >= tau);
  if (k < 0) k = run.t.length - 1;
  if (k === 0) return run.w[0];
  const x = (tau - run.t[k - 1]) / (run.t[k] - run.t[k - 1]);
  return run.w[k].map((value, j) => run.w[k - 1][j] + x * (value - run.w[k - 1][j]));
}

function redraw(state, { over, shape, reading }) {
  const run = recall(state);
  const j = state.mode - 1;
  const decays = [state.rho1, state.rho2, state.rho3];
  const times = grid(0, END, TIMES);
  const last = clock(END, DECAY);
  const heads = run.w.map((w) => w[j]);
  const [low, high] = [Math.min(0, ...heads) - 0.1, Math.max(...heads) + 0.1];
  const everyone = run.w.flat();
  const said = [];
  over.clear([0, END], [low, high]);
  shape.clear([FIRST, last], [Math.min(0, ...everyone) - 0.1, Math.max(...everyone) + 0.1]);
  reading.clear();
  over.curve([[0, 0], [END, 0]], "thin quiet");
  for (let k = 0; k < MODES; k++) if (k !== j) shape.curve(run.t.map((tau, i) => [tau, run.w[i][k]]).slice(1), "thin quiet");
  decays.forEach((rho, d) => {
    const shapes = times.map((t) => shapeAt(run, clock(t, rho))[j]);
    over.curve(times.map((t, i) => [t, shapes[i] * Math.exp(-rho * t)]), KINDS[d]);
    const reach = clock(END, rho);
    shape.curve([...run.t.map((tau, i) => [tau, run.w[i][j]]).filter(([tau]) => tau > 0 && tau < reach), [reach, shapes.at(-1)]], KINDS[d]);
    reading.curve(times.slice(1).map((t) => [t, clock(t, rho)]), KINDS[d]);
    const now = clock(state.time, rho);
    const value = shapeAt(run, now);
    const head = value[j] * Math.exp(-rho * state.time);
    const drag = (t) => ({ time: t });
    // From a reading back to the time at which this clock shows it.
    const back = (tau) => ({ time: rho > 0 ? Math.log1p(2 * rho * tau) / (2 * rho) : tau });
    over.handle(state.time, head, drag, COLOURS[d]);
    shape.handle(Math.max(now, FIRST), value[j], back, COLOURS[d]);
    reading.handle(state.time, Math.max(now, FIRST), drag, COLOURS[d]);
    const features = value.map((w, k) => w * w + run.f[0][k] - run.w[0][k] ** 2);
    said.push(
      `under ρ = ${rho.toFixed(3)} the clock reads ${now.toPrecision(4)}, the head is ${head.toFixed(3)}, ` +
        `its shape ${value[j].toFixed(3)}, the effective rank ${participationRatio(features).toFixed(2)}`,
    );
  });
  over.curve([[state.time, low], [state.time, high]], "thin ink");
  return `Mode ${state.mode} at time ${state.time.toFixed(2)}: ${said.join("; ")}. Equal readings, equal shapes.`;
}

export function render({ model, el }) {
  const last = clock(END, DECAY);
  const views = {
    over: { title: "Head of the mode over time, under three decays", xlabel: "time t", ylabel: "head w", x: [0, END], y: [0, 1] },
    shape: { title: "Shapes of all modes over the clock", xlabel: "clock τ", ylabel: "shape, w times exp(ρt)", x: [FIRST, last], y: [0, 1], log: "x" },
    reading: { title: "What the three clocks read over time", xlabel: "time t", ylabel: "clock τ", x: [0, END], y: [FIRST, last], log: "y" },
  };
  return explorable({ model, el, name, parameters, presets, play: sweep("time", 0, END), views, legend, redraw });
}
