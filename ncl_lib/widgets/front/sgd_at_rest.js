// SGD at rest: where learning rate, decay and batch leave features under the cosine loss, by the law and in stored runs.
import { explorable } from "./explorable.js";
import { grid, remembered, sweep } from "./figures.js";
import { criticalRatio } from "./lines.js";
import { bounds } from "./parameters.js";
import { restLaw } from "./rest.js";
import { STORED } from "./stored.js";

export const name = "sgd-at-rest";

const [LEAST, MOST] = bounds(name, "turn");
const TURNS = grid(LEAST, MOST, 61).map((x) => 10 ** x);
const STEPS = [TURNS[0], TURNS.at(-1)];
const BATCHES = bounds(name, "batch").map((x) => 2 ** x);
const PATH = grid(...bounds(name, "batch"), 41);
const BETA = [0, 4];
const RATIO = [2e-4, 30];
const EXCESS = [1e-3, 500];
const [WHOLE, HALF] = [0.9, 0.5]; // parts of the width, between which ranks are told apart

const presets = {
  "Small batch": { turn: -1.4, batch: 1, inputs: 4, h: 8, sigma2: 0.5 },
  "Large steps": { turn: -0.8, batch: 6, inputs: 4, h: 8, sigma2: 0.5 },
  "Many inputs": { turn: -2, batch: 2, inputs: 16, h: 8, sigma2: 0.5 },
  "Wide": { turn: -2, batch: 4, inputs: 4, h: 24, sigma2: 0.5 },
};

const legend = {
  "border: noise is 0.11 of the head": "ink", "directions die": "doom", "rank predicted above 0.9 h": "basin",
  "stored run with rank above 0.9 h": "dot", "with rank above h/2": "dot open", "with less": "cross",
  "this state": "handle", "where directions die": "handle dies", "the same steps, any batch": "thin ink", "Collapse beyond, r = r_c": "quiet",
};

const shapeOf = ({ h, inputs, sigma2 }) => [h, h * inputs, Number(sigma2.toFixed(4))];

/** What depends on the shape alone: its law, two lines in the plane of steps and batches, and its stored runs. */
function linesOf(state) {
  const shape = shapeOf(state);
  const [h] = shape;
  const law = restLaw(...shape);
  const line = (batch) => TURNS.map((turn) => [turn, Math.min(1e9, batch(turn)) / h]); // above the picture where no batch will do
  const runs = (STORED[shape] ?? []).map(([turn, batch, rank, excess]) => ({ turn, height: batch / h, part: rank / h, excess }));
  return {
    law, runs,
    border: line(law.border),
    whole: line((turn) => Math.max(law.border(turn), law.contour(turn, WHOLE))),
  };
}

const recall = remembered(["h", "inputs", "sigma2"], linesOf);

/** Places through which the state goes if the batch alone moves. */
const recallPath = remembered(["h", "inputs", "sigma2", "turn"], (state) => {
  const { law } = recall(state);
  const places = PATH.map((batch) => ({ batch, ...law.at(10 ** state.turn, 2 ** batch) }));
  return {
    diagram: places.map(({ beta, ratio }) => [beta, ratio]),
    ranks: places.filter(({ survive }) => survive).map(({ excess, rank }) => [excess, rank / state.h]),
    /** The batch for which this coordinate comes nearest to a value. */
    batchAt(key, value) {
      const off = (place) => Math.abs(Math.log(place[key] / value));
      return { batch: places.reduce((best, place) => (off(place) < off(best) ? place : best)).batch };
    },
  };
});

/** The nearest steps and batch that sliders have. */
const within = (values) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.min(bounds(name, key)[1], Math.max(bounds(name, key)[0], value))]));

const pairsOf = ({ batch }) => Math.round(2 ** batch); // in a batch, which is no fraction

const kindOfRun = ({ part }) => (part >= WHOLE ? "" : part >= HALF ? "open" : "cross");

const handleOf = (now) => (now.survive ? "" : "dies");

function drawPlane(plane, state, { law, border, whole, runs }, held) {
  const { h } = state;
  const [low, high] = BATCHES.map((batch) => batch / h);
  const below = (line, kind) => plane.area([...line, [STEPS[1], low / 2], [STEPS[0], low / 2]], kind);
  plane.clear(STEPS, [low, high]);
  plane.area([...whole, [STEPS[1], 1e9], [STEPS[0], 1e9]], "basin");
  below(border, "doom");
  plane.curve(border, "ink");
  for (const run of runs) plane.mark(run.turn, run.height, kindOfRun(run));
  if (state.turn !== held.turn || state.batch !== held.batch) plane.mark(10 ** state.turn, pairsOf(state) / h, "now");
  const drag = (turn, height) => ({ turn: Math.log10(turn), batch: Math.log2(height * h) });
  plane.handle(10 ** held.turn, pairsOf(held) / h, drag, handleOf(law.at(10 ** held.turn, pairsOf(held))));
  plane.hover = (...place) => within(drag(...place));
}

function drawDiagram(diagram, { batchAt, diagram: path }, now) {
  const border = grid(...BETA, 81).map((b) => [b, criticalRatio(b)]);
  diagram.clear();
  diagram.curve(border, "quiet");
  diagram.words(3.2, 4, "Collapse");
  diagram.words(0.1, 1e-3, "a positive equilibrium exists", "start");
  diagram.curve(path, "thin ink");
  diagram.handle(now.beta, now.ratio, (_, ratio) => batchAt("ratio", ratio), handleOf(now));
}

function drawRanks(ranks, { batchAt, ranks: path }, runs, now, h) {
  ranks.clear();
  ranks.curve([[1, 0], [1, 1.05]], "quiet");
  ranks.curve(path, "thin ink");
  for (const run of runs) ranks.mark(Math.min(run.excess, EXCESS[1]), run.part, kindOfRun(run));
  ranks.handle(now.excess, (now.rank || 0) / h, (excess) => batchAt("excess", excess), handleOf(now));
}

function words(state, { signal, rank, excess, returnRate, survive }, runs) {
  const { turn, h } = state;
  const fades = `At rest imbalance ${returnRate > 0 ? "fades" : "grows"} ${Math.abs(returnRate).toFixed(2)} times as fast as gradient flow lets it fade.`;
  const verdict = survive
    ? `Features survive: effective rank ${rank.toFixed(2)} of ${h} predicted. ${fades}`
    : `Features do not all survive: directions die one after the other, and how many of ${h} are left depends on time.`;
  const stored = runs.length ? `${runs.length} stored runs have` : "No stored run has";
  return (
    `${verdict} Noise is ${(100 * (1 - signal)).toFixed(1)} % of the head. Decay over its critical value, r/r_c, is ${excess.toPrecision(3)}: ` +
    `by the diagram alone features would ${excess > 1 ? "collapse" : "live"}. ` +
    `Learning rate times decay is ${(10 ** turn).toPrecision(3)}, in batches of ${pairsOf(state)}. ${stored} this shape.`
  );
}

function redraw(state, { plane, diagram, ranks }, held) {
  const lines = recall(state);
  const path = recallPath(state);
  const now = lines.law.at(10 ** state.turn, pairsOf(state));
  drawPlane(plane, state, lines, held);
  drawDiagram(diagram, path, now);
  drawRanks(ranks, path, lines.runs, now, state.h);
  return words(state, now, lines.runs);
}

export function render({ model, el }) {
  const views = {
    plane: { title: "Where features survive, by steps and batches", xlabel: "learning rate × decay, ηρ", ylabel: "batch over features, B/h", x: STEPS, y: BATCHES, log: "xy" },
    diagram: { title: "Universal diagram: where the modes rest", xlabel: "coupling β", ylabel: "decay ratio r", x: BETA, y: RATIO, log: "y" },
    ranks: { title: "Effective rank against decay over its critical value", xlabel: "decay over its critical value, r / r_c", ylabel: "effective rank over h", x: EXCESS, y: [0, 1.05], log: "x" },
  };
  return explorable({ model, el, name, presets, play: sweep(name, "batch"), views, legend, redraw });
}
