// Survival: starts in the plane of head and features, dragged; who lives, who dies, and the water that decides.
import { explorable } from "./explorable.js";
import { grid, remembered, sweep } from "./figures.js";
import { shapeOf } from "./modes.js";
import { bounds } from "./parameters.js";
import { fitness, living, waterFill } from "./water.js";

export const name = "survival";

const [, MODES] = bounds(name, "mode");
const HEAD = bounds(name, "w");
const FEATURE = bounds(name, "f");
const [FIRST, LAST] = bounds(name, "moment"); // powers of ten between which the clock is shown

const presets = {
  "All live": { w: [0.9, 0.6, 0.35, 0.1, -0.3, -0.7], f: [0.9, 0.6, 0.3, 0.4, 0.3, 0.6] },
  "The wrong sign kills": { w: [0.8, 0.6, 0.4, -0.4, -0.6, -0.8], f: [0.64, 0.36, 0.16, 0.1, 0.2, 0.3], mode: 4 },
  "Too deep": { w: [1, 0.3, 0.4, 0.35, -0.3, 0.25], f: [0.2, 0.3, 0.3, 0.3, 0.4, 0.3], mode: 1 },
  "Nobody is fit to live": { w: [-0.3, -0.4, -0.5, -0.6, -0.7, -0.9], f: [0.05, 0.1, 0.1, 0.2, 0.3, 0.6], mode: 6 },
};

const legend = {
  "start of a mode that lives": "handle lives", "that dies": "handle dies", "where it is by now": "dot now",
  "parabola f = w²": "thin quiet", "path": "thin ink", "starts that die": "doom", "water": "basin strong", "floor": "stone",
};

/** Whether predictions span a plane at least; on a line there is nothing to turn. */
const turns = (w, f) => w.filter((x, k) => x !== 0 && f[k] > 0).length > 1;

const idle = { moment: ({ w, f }) => !turns(w, f) };

const TAUS = [0, ...grid(FIRST, LAST, 101).map((x) => 10 ** x)];

/** The exact run at the readings of the clock, its lines in both pictures and what they need, and who lives. */
function runOf({ w, f, sigma2 }) {
  const shape = turns(w, f) ? shapeOf(w, f, sigma2, "exact", true) : { at: () => ({ w, f }) };
  const run = TAUS.map(shape.at);
  // Survivors may leave the range of the starts; so does the picture then.
  const reach = (values, [low, high]) => [Math.min(low, 1.05 * Math.min(...values)), Math.max(high, 1.05 * Math.max(...values))];
  return {
    run,
    lines: w.map((_, k) => TAUS.slice(1).map((tau, i) => [tau, run[i + 1].w[k]])),
    paths: w.map((_, k) => run.map((row) => [row.w[k], row.f[k]])),
    ranges: [reach(run.flatMap((row) => row.w), HEAD), reach(run.flatMap((row) => row.f), FEATURE)],
    alive: living(shape.at(Infinity).f),
  };
}

const recall = remembered(["w", "f", "sigma2"], runOf);

const numbers = (alive, wanted) => {
  const found = alive.flatMap((yes, k) => (yes === wanted ? [k + 1] : []));
  return found.length ? found.join(", ") : "none";
};

/** Starts and paths, over the starts that die. */
function drawPlane(plane, { w, f, mode }, { run, paths }, at, alive, [wide, tall], level) {
  const across = grid(...wide, 81);
  plane.clear(wide, tall);
  // Modes below the parabola through the level die.
  plane.area([[wide[0], 0], ...across.map((x) => [x, Math.max(0, x <= 0 ? x * x : x * x - level ** 2)]), [wide[1], 0]], "doom");
  plane.curve(across.map((x) => [x, x * x]), "thin quiet");
  for (let k = 0; k < MODES; k++) {
    plane.curve(at === TAUS.length - 1 ? paths[k] : paths[k].slice(0, at + 1), k === mode - 1 ? "ink" : "thin ink");
    plane.mark(run[at].w[k], run[at].f[k], "now");
  }
  for (let k = 0; k < MODES; k++) {
    const drag = (x, y) => {
      const [heads, sizes] = [w.slice(), f.slice()];
      heads[k] = x;
      sizes[k] = y;
      return { mode: k + 1, w: heads, f: sizes };
    };
    plane.handle(w[k], f[k], drag, `${alive[k] ? "lives" : "dies"}${k === mode - 1 ? " chosen" : ""}`);
    plane.words(w[k] + 0.07, f[k] + 0.04, String(k + 1), "start");
  }
}

/** Floors, and the water over them if there is a level. */
function drawWater(water, { able, floors }, fill) {
  water.clear([0.5, MODES + 0.5], [0, 1.15 * Math.max(0.3, fill ? fill.level : 0, ...floors)]);
  for (let k = 0; k < MODES; k++) {
    water.rectangle(k + 0.5, k + 1.5, 0, floors[k], able[k] ? "stone" : "doom strong");
    if (fill && able[k] && fill.level > floors[k]) water.rectangle(k + 0.5, k + 1.5, floors[k], fill.level, "basin strong");
  }
  if (fill) water.curve([[0.5, fill.level], [MODES + 0.5, fill.level]], "thin green");
}

/** Heads over the clock, and the head of the level. */
function drawHeads(heads, { mode }, { run, lines }, at, alive, wide, fill, level) {
  const [first, last] = [10 ** FIRST, 10 ** LAST];
  heads.clear([first, last], wide);
  for (let k = 0; k < MODES; k++) heads.curve(lines[k], `${k === mode - 1 ? "" : "thin"} ${alive[k] ? "green" : "red dashed"}`);
  if (fill) heads.curve([[first, level], [last, level]], "thin ink");
  heads.handle(TAUS[at], run[at].w[mode - 1], (tau) => ({ moment: Math.log10(Math.max(tau, first)) }));
}

function words({ w, f, sigma2, mode }, { able, floors }, fill, alive) {
  const exact = `In the exact run: ${numbers(alive, true)} live, ${numbers(alive, false)} die.`;
  if (!turns(w, f)) return "Fewer than two modes have both a head and features at the start: nothing moves.";
  const fit = able.indexOf(true);
  if (fit < 0) return `Nobody is fit to live: features condense on one mode. ${exact}`;
  if (!fill) return `Only mode ${fit + 1} is fit to live, and its head has the wrong sign: it may keep it, and no level decides. ${exact}`;
  const lone = sigma2 > 0 && fill.alive.filter(Boolean).length === 1 && able.filter(Boolean).length > 1;
  return (
    `${exact} Water rises to ${fill.level.toFixed(3)}, heads of the living to ${Math.sqrt(fill.level).toFixed(3)}; ` +
    `by the level ${numbers(fill.alive, true)} live, ${numbers(fill.alive, false)} die${lone ? " (but a lone survivor keeps nobody down)" : ""}. ` +
    `Mode ${mode} starts at head ${w[mode - 1].toFixed(2)}, features ${f[mode - 1].toFixed(2)}, its floor is ${floors[mode - 1].toFixed(3)}` +
    `${able[mode - 1] ? "" : ", and its head has the wrong sign"}.`
  );
}

function redraw(state, { plane, water, heads }) {
  const { w, f } = state;
  const fit = fitness(w, f);
  const fill = turns(w, f) ? waterFill(w, f) : null;
  const run = recall(state);
  const { alive, ranges } = run;
  const level = fill ? Math.sqrt(fill.level) : 0; // as a head
  const at = turns(w, f) ? Math.round(((state.moment - FIRST) / (LAST - FIRST)) * (TAUS.length - 2)) + 1 : 0;
  drawPlane(plane, state, run, at, alive, ranges, level);
  drawWater(water, fit, fill);
  drawHeads(heads, state, run, at, alive, ranges[0], fill, level);
  return words(state, fit, fill, alive);
}

export function render({ model, el }) {
  const views = {
    plane: { title: "Starts of the modes in the plane of head and features", xlabel: "head w", ylabel: "features f", x: HEAD, y: FEATURE },
    water: { title: "Floors of the modes and the level of the water", xlabel: "mode", ylabel: "squared head", x: [0.5, MODES + 0.5], y: [0, 1] },
    heads: { title: "Heads over the clock", xlabel: "clock τ", ylabel: "head, decay taken out", x: [10 ** FIRST, 10 ** LAST], y: HEAD, log: "x" },
  };
  return explorable({ model, el, name, presets, idle, play: sweep(name, "moment"), views, legend, redraw });
}
