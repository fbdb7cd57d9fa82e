// Survival: starts in the plane of head and features, dragged; who lives, who dies, and the water that decides.
import { fitness, solveModes, waterFill } from "./model.js";
import { explorable, grid, remembered, sweep } from "./draw.js";

export const name = "survival";

const MODES = 6;
const HEAD = [-1.2, 1.2];
const FEATURE = [0, 1.2];
const LAST = 4; // power of ten that the clock reaches

const parameters = [
  { name: "mode", label: "Mode to move", min: 1, max: MODES, step: 1, value: 1, digits: 0 },
  { name: "w", of: "mode", label: "Its head w at the start", min: HEAD[0], max: HEAD[1], step: 0.01, value: [0.9, 0.6, 0.35, 0.1, -0.3, -0.7], digits: 2 },
  { name: "f", of: "mode", label: "Its features f at the start", min: FEATURE[0], max: FEATURE[1], step: 0.01, value: [0.2, 0.6, 0.1, 0.4, 0.3, 0.2], digits: 2 },
  { name: "sigma2", label: "Noise of the views σ²", min: 0, max: 2, step: 0.01, value: 0.5, digits: 2 },
  { name: "moment", label: "Clock τ, power of ten", min: -1, max: LAST, step: 0.05, value: LAST, digits: 2, idle: ({ w, f }) => !turns(w, f) },
];

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

const TAUS = [0, ...grid(-1, LAST, 101).map((x) => 10 ** x)];
const recall = remembered(["w", "f", "sigma2"], ({ w, f, sigma2 }) =>
  turns(w, f) ? solveModes(w, f, sigma2, 0, TAUS, "exact", null, true) : { t: [0], w: [w], f: [f] },
);

const numbers = (alive, wanted) => {
  const found = alive.flatMap((yes, k) => (yes === wanted ? [k + 1] : []));
  return found.length ? found.join(", ") : "none";
};

function redraw(state, { plane, water, heads }) {
  const { w, f, mode } = state;
  const moves = turns(w, f);
  const fill = moves ? waterFill(w, f) : null;
  const run = recall(state);
  const end = run.f.at(-1);
  const alive = end.map((value) => value > 1e-3 * Math.max(...end) && value > 0);
  const at = Math.min(run.t.length - 1, Math.round(((state.moment + 1) / (LAST + 1)) * 100) + 1);

  // The level as a head; in the plane, modes below the parabola through it die.
  const level = fill ? Math.sqrt(fill.level) : 0;
  // Survivors may leave the range of the starts; so does the picture then.
  const reach = (values, [low, high]) => [Math.min(low, 1.05 * Math.min(...values)), Math.max(high, 1.05 * Math.max(...values))];
  const [wide, tall] = [reach(run.w.flat(), HEAD), reach(run.f.flat(), FEATURE)];
  const across = grid(...wide, 81);
  plane.clear(wide, tall);
  plane.area([[wide[0], 0], ...across.map((x) => [x, Math.max(0, x <= 0 ? x * x : x * x - level ** 2)]), [wide[1], 0]], "doom");
  plane.curve(across.map((x) => [x, x * x]), "thin quiet");
  for (let k = 0; k < MODES; k++) {
    plane.curve(run.w.slice(0, at + 1).map((row, i) => [row[k], run.f[i][k]]), k === mode - 1 ? "ink" : "thin ink");
    plane.mark(run.w[at][k], run.f[at][k], "now");
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

  const { able, floors } = fitness(w, f);
  const top = 1.15 * Math.max(0.3, fill ? fill.level : 0, ...floors);
  water.clear([0.5, MODES + 0.5], [0, top]);
  for (let k = 0; k < MODES; k++) {
    water.rectangle(k + 0.5, k + 1.5, 0, floors[k], able[k] ? "stone" : "doom strong");
    if (fill && able[k] && fill.level > floors[k]) water.rectangle(k + 0.5, k + 1.5, floors[k], fill.level, "basin strong");
  }
  if (fill) water.curve([[0.5, fill.level], [MODES + 0.5, fill.level]], "thin green");

  heads.clear([0.1, 10 ** LAST], wide);
  for (let k = 0; k < MODES; k++) {
    const kind = `${k === mode - 1 ? "" : "thin"} ${alive[k] ? "green" : "red dashed"}`;
    heads.curve(run.t.map((tau, i) => [tau, run.w[i][k]]).slice(1), kind);
  }
  if (fill) heads.curve([[0.1, level], [10 ** LAST, level]], "thin ink");
  heads.handle(run.t[at], run.w[at][mode - 1], (tau) => ({ moment: Math.log10(Math.max(tau, 0.1)) }));

  const exact = `In the exact run: ${numbers(alive, true)} live, ${numbers(alive, false)} die.`;
  if (!moves) return "Fewer than two modes have both a head and features at the start: nothing moves.";
  const fit = able.indexOf(true);
  if (fit < 0) return `Nobody is fit to live: features condense on one mode. ${exact}`;
  if (!fill) return `Only mode ${fit + 1} is fit to live, and its head has the wrong sign: it may keep it, and no level decides. ${exact}`;
  const lone = state.sigma2 > 0 && fill.alive.filter(Boolean).length === 1 && able.filter(Boolean).length > 1;
  return (
    `${exact} Water rises to ${fill.level.toFixed(3)}, heads of the living to ${level.toFixed(3)}; ` +
    `by the level ${numbers(fill.alive, true)} live, ${numbers(fill.alive, false)} die${lone ? " (but a lone survivor keeps nobody down)" : ""}. ` +
    `Mode ${mode} starts at head ${w[mode - 1].toFixed(2)}, features ${f[mode - 1].toFixed(2)}, its floor is ${floors[mode - 1].toFixed(3)}` +
    `${able[mode - 1] ? "" : ", and its head has the wrong sign"}.`
  );
}

export function render({ model, el }) {
  const views = {
    plane: { title: "Starts of the modes in the plane of head and features", xlabel: "head w", ylabel: "features f", x: HEAD, y: FEATURE },
    water: { title: "Floors of the modes and the level of the water", xlabel: "mode", ylabel: "squared head", x: [0.5, MODES + 0.5], y: [0, 1] },
    heads: { title: "Heads over the clock", xlabel: "clock τ", ylabel: "head, decay taken out", x: [0.1, 10 ** LAST], y: HEAD, log: "x" },
  };
  return explorable({ model, el, name, parameters, presets, play: sweep("moment", -1, LAST), views, legend, redraw });
}
