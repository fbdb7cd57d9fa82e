// What several explorables share: memory, play, and the picture of a flow on a line.
import { bounds } from "./parameters.js";

/** What `make(state)` returned last, made anew only when one of these parameters has changed. */
export function remembered(parameters, make) {
  let known = null;
  let made;
  return (state) => {
    const key = String(parameters.map((parameter) => state[parameter]));
    if (key !== known) [known, made] = [key, make(state)];
    return made;
  };
}

/** Equilibria in words. */
export const listed = (equilibria) => equilibria.map((e) => `${e.w.toFixed(3)} (${e.kind})`).join(", ");

/** Where the basin of the positive equilibrium begins; beyond every picture if there is none. */
export const barrierOf = ({ equilibria }) => equilibria.find((e) => e.w >= 0 && e.kind !== "stable")?.w ?? Infinity;

/** Filled where stable, open where not. */
export const kindOf = (equilibrium) => (equilibrium.kind === "stable" ? "" : "open");

/** The velocity of a flow between two places, on the ground of its basins, with its equilibria on the axis. */
export function phasePortrait(view, flow, ws, values, height) {
  const [left, right] = [ws[0], ws.at(-1)];
  const barrier = Math.min(barrierOf(flow), right);
  view.clear([left, right], [-height, height]);
  view.rectangle(left, barrier, -height, height, "doom");
  view.rectangle(barrier, right, -height, height, "basin");
  view.curve([[left, 0], [right, 0]], "thin quiet");
  view.curve(ws.map((w, k) => [w, values[k]]));
  for (const e of flow.equilibria) view.mark(e.w, 0, kindOf(e));
}

/** What plays a parameter of a figure over its whole range within five seconds. */
export function sweep(figure, parameter) {
  const [low, high] = bounds(figure, parameter);
  return {
    name: parameter,
    label: "Play",
    begin: (state) => (state[parameter] < high ? state[parameter] : low),
    next: (state, seconds) => (state[parameter] < high ? state[parameter] + ((high - low) * seconds) / 5 : null),
  };
}

/** `n` numbers from low to high. */
export const grid = (low, high, n) => Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
