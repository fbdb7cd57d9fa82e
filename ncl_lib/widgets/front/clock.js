// Clock: one mode under three decays, over time and over the clock on which all of them have the same shape.
import { participationRatio } from "./averages.js";
import { explorable } from "./explorable.js";
import { grid, remembered, sweep } from "./figures.js";
import { clock, shapeOf, timeOf } from "./modes.js";
import { bounds } from "./parameters.js";

export const name = "clock";

const [, MODES] = bounds(name, "mode");
const [, END] = bounds(name, "time");
const TIMES = grid(0, END, 65);
const ZERO = [[0, 0], [END, 0]];
const DECAY = Math.max(...["rho1", "rho2", "rho3"].map((rho) => bounds(name, rho)[1]));
const LAST = clock(END, DECAY);
const FIRST = 0.1; // on the logarithmic axis of the clock

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

/** The shape that all decays share, and the line of every mode over the clock. */
function shapesOf(state) {
  const shape = shapeOf(...startOf(state), state.sigma2, "exact", true);
  const taus = grid(Math.log10(FIRST) - 1, Math.log10(LAST), 140).map((x) => 10 ** x);
  const rows = taus.map((tau) => shape.at(tau).w);
  return { shape, start: shape.at(0).w, lines: grid(0, MODES - 1, MODES).map((k) => taus.map((tau, i) => [tau, rows[i][k]])) };
}

// Decays, mode and time need no new run: that is the theorem.
const recall = remembered(["sigma2", "spread"], shapesOf);

/** What is drawn of one decay: the head over time, its shape over the clock, and the clock over time. */
function curvesOf({ shape, lines }, j, rho) {
  const shapes = TIMES.map((t) => shape.at(clock(t, rho)).w[j]);
  const reach = clock(END, rho);
  return {
    over: TIMES.map((t, i) => [t, shapes[i] * Math.exp(-rho * t)]),
    shape: [...lines[j].filter(([tau]) => tau < reach), [reach, shapes.at(-1)]],
    reading: TIMES.slice(1).map((t) => [t, clock(t, rho)]),
  };
}

const recallCurves = remembered(["sigma2", "spread", "mode", "rho1", "rho2", "rho3"], (state) =>
  [state.rho1, state.rho2, state.rho3].map((rho) => curvesOf(recall(state), state.mode - 1, rho)),
);

function redraw(state, views) {
  const { shape, start, lines } = recall(state);
  const curves = recallCurves(state);
  const j = state.mode - 1;
  const heights = (k) => [start[k], ...lines[k].map(([, w]) => w)];
  const around = (values) => [Math.min(0, ...values) - 0.1, Math.max(...values) + 0.1];
  const [low, high] = around(heights(j));
  views.over.clear([0, END], [low, high]);
  views.shape.clear([FIRST, LAST], around(lines.flatMap((_, k) => heights(k))));
  views.reading.clear();
  views.over.curve(ZERO, "thin quiet");
  for (let k = 0; k < MODES; k++) if (k !== j) views.shape.curve(lines[k], "thin quiet");
  const said = [state.rho1, state.rho2, state.rho3].map((rho, d) => {
    for (const [key, points] of Object.entries(curves[d])) views[key].curve(points, KINDS[d]);
    const now = clock(state.time, rho);
    const { w, f } = shape.at(now);
    const head = w[j] * Math.exp(-rho * state.time);
    const drag = (t) => ({ time: t });
    views.over.handle(state.time, head, drag, COLOURS[d]);
    // From a reading back to the time at which this clock shows it.
    views.shape.handle(Math.max(now, FIRST), w[j], (tau) => ({ time: timeOf(tau, rho) }), COLOURS[d]);
    views.reading.handle(state.time, Math.max(now, FIRST), drag, COLOURS[d]);
    return (
      `under ρ = ${rho.toFixed(3)} the clock reads ${now.toPrecision(4)}, the head is ${head.toFixed(3)}, ` +
      `its shape ${w[j].toFixed(3)}, the effective rank ${participationRatio(f).toFixed(2)}`
    );
  });
  views.over.curve([[state.time, low], [state.time, high]], "thin ink");
  return `Mode ${state.mode} at time ${state.time.toFixed(2)}: ${said.join("; ")}. Equal readings, equal shapes.`;
}

export function render({ model, el }) {
  const views = {
    over: { title: "Head of the mode over time, under three decays", xlabel: "time t", ylabel: "head w", x: [0, END], y: [0, 1] },
    shape: { title: "Shapes of all modes over the clock", xlabel: "clock τ", ylabel: "shape, w times exp(ρt)", x: [FIRST, LAST], y: [0, 1], log: "x" },
    reading: { title: "What the three clocks read over time", xlabel: "time t", ylabel: "clock τ", x: [0, END], y: [FIRST, LAST], log: "y" },
  };
  return explorable({ model, el, name, presets, play: sweep(name, "time"), views, legend, redraw });
}
