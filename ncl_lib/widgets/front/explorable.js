// An explorable: one state, one redraw, and everything that changes the one and calls the other. No library.
import { axes } from "./axes.js";
import { allowed, button, controlOf, legendOf, linker, player } from "./controls.js";
import { element } from "./elements.js";
import { PARAMETERS } from "./parameters.js";
import { STYLE } from "./style.js";

let count = 0; // for identifiers that are unique on a page with several explorables

/** Keep as much room as the longest of the sentences to come needs, or the page below would jump while they pass. */
function makeRoom(summary, { name, begin, next }, state, draw) {
  summary.style.minHeight = "";
  let tallest = summary.offsetHeight;
  for (let value = begin(state); value !== null; value = next({ ...state, [name]: value }, 0.25)) {
    summary.textContent = draw({ [name]: value });
    tallest = Math.max(tallest, summary.offsetHeight);
  }
  summary.style.minHeight = `${tallest}px`;
}

/**
 * Build the explorable `name` inside `el` and keep it in step with `model`, which has get, set, save_changes, on and
 * off, as in Jupyter; on a page also `initial`, the state that the page gives it, and `address`. `idle` maps parameters
 * to what says of a state that they have no effect; `presets` a label to values; `play` is {name, label, begin, next},
 * see player; `redraw(state, views, held)` draws everything and returns the summary in words, where `state` differs from
 * `held` while a mouse hovers; `legend` maps words to lines.
 */
export function explorable({ model, el, name, idle = {}, presets = {}, play = null, views, legend = {}, redraw }) {
  const id = `explorable-${count++}`;
  const parameters = PARAMETERS[name];
  const given = (from) => Object.fromEntries(Object.entries(parameters).map(([key, p]) => [key, from(key) ?? model.get(key) ?? p.default]));
  el.classList.add("explorable");
  el.setAttribute("data-explorable", name);
  const state = (el.state = {});
  const controls = Object.entries(parameters).map(([key, p]) => [key, controlOf(id, key, p, state, idle[key])]);
  const buttons = element("div", { class: "buttons" });
  const stage = element("div", { class: "views" });
  const summary = element("p", { class: "summary", "aria-live": "polite", id: `${id}-summary` });

  const draw = (values) => {
    const words = redraw({ ...state, ...values }, drawn, state);
    for (const view of Object.values(drawn)) view.end();
    return words;
  };
  const preview = (values) => {
    const began = performance.now();
    const words = draw(values);
    if (summary.textContent !== words) summary.textContent = words;
    el.lastRedraw = performance.now() - began;
  };
  const change = (values, tell = true) => {
    for (const [key, value] of Object.entries(values)) {
      state[key] = allowed(parameters[key], value);
      if (tell) model.set(key, state[key]);
    }
    for (const [, control] of controls) control.show(state);
    if (tell) model.save_changes();
    unlink(); // a link that was made is of another state now
    preview({});
  };
  const before = () => {
    makeRoom(summary, play, state, draw);
    summary.setAttribute("aria-live", "off"); // sixty sentences a second are not to be read out
  };
  const after = () => summary.setAttribute("aria-live", "polite");
  const stop = play ? player(buttons, play, { state, change, before, after }) : () => {};
  /** A change that ends the play, as the hand wants something else. */
  const byHand = (values) => {
    stop();
    change(values);
  };
  for (const [label, values] of Object.entries(presets)) button(buttons, label, () => byHand(values));
  const initial = given((key) => model.initial?.(key));
  button(buttons, "Reset", () => byHand(initial)).classList.add("reset");
  const unlink = model.address ? linker(buttons, name, parameters, state, model.address) : () => {};

  const listeners = controls.map(([key, control]) => {
    control.enter((value) => (key === play?.name ? byHand : change)({ [key]: value }));
    const follow = () => String(state[key]) !== String(model.get(key)) && change({ [key]: model.get(key) }, false);
    model.on(`change:${key}`, follow);
    return [`change:${key}`, follow];
  });
  const host = { id, describe: summary.id, change: byHand, preview };
  const drawn = Object.fromEntries(Object.entries(views).map(([key, view]) => [key, axes(stage, key, view, host)]));
  stage.append(element("div", { class: "notes" }, legendOf(legend), summary));
  const sliders = element("div", { class: "controls" }, ...controls.map(([, control]) => control.root));
  el.replaceChildren(element("style", {}, STYLE), sliders, buttons, stage);
  change(given(() => undefined), false);
  return () => {
    stop();
    for (const [event, follow] of listeners) model.off(event, follow);
    el.replaceChildren();
  };
}
