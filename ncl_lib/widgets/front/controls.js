// The controls of an explorable: a slider for each parameter, presets, play, a link, and the state they act on.
import { crossAt, element, svgElement } from "./elements.js";

// JupyterLab's shortcuts take arrow keys and others from whatever has the focus in a notebook, unless it says no.
const QUIET = { "data-lm-suppress-shortcuts": "true" };

/** A value of this parameter: within its bounds, or its default where there is no reading it as one. */
export function allowed({ default: first, min, max, digits, options, of }, value) {
  if (options) return options.includes(value) ? value : first;
  if (of) return first.map((number, k) => allowed({ default: number, min, max, digits }, value[k]));
  if (!Number.isFinite(value)) return first;
  return Math.min(max, Math.max(min, digits === 0 ? Math.round(value) : value));
}

/** As many digits of a value as its slider shows. */
function short({ digits, options }, value) {
  if (options) return value;
  return Array.isArray(value) ? value.map((x) => Number(x.toFixed(digits))) : Number(value.toFixed(digits));
}

/**
 * The control of one parameter. `root` is its label with all in it, `enter(act)` calls act(value) when a hand has moved
 * it, `value` being that of the parameter, and `show(state)` shows a state.
 */
export function controlOf(id, name, parameter, state, idle) {
  const { label, options, of, digits, min, max, step } = parameter;
  const key = `${id}-${name}`;
  const output = element("output", { for: key });
  const input = options
    ? element("select", { id: key, ...QUIET }, ...options.map((o) => element("option", { value: o }, o)))
    : element("input", { type: "range", id: key, min, max, step, ...QUIET });
  input.dataset.parameter = name;
  const entered = () => {
    if (options) return input.value;
    const number = Number(input.value);
    return of ? state[name].map((value, k) => (k === state[of] - 1 ? number : value)) : number;
  };
  return {
    root: element("label", { for: key }, label, options ? "" : output, input),
    enter: (act) => input.addEventListener("input", () => act(entered())),
    show(state) {
      if (idle) input.disabled = idle(state);
      const shown = of ? state[name]?.[state[of] - 1] : state[name];
      if (shown === undefined) return; // while the first values come in
      input.value = shown;
      if (options) return;
      const words = shown.toFixed(digits);
      if (output.value === words) return;
      output.value = words;
      input.setAttribute("aria-valuetext", words);
    },
  };
}

/** A button in `buttons` that does something when it is pressed. */
export function button(buttons, label, act) {
  const made = element("button", { type: "button", ...QUIET }, label);
  made.addEventListener("click", act);
  buttons.append(made);
  return made;
}

/**
 * A button that moves a parameter on its own, from begin(state), by next(state, seconds) while that is not null. `host`
 * has the state, and `change`, `before` and `after` to be called. Returns what stops it.
 */
export function player(buttons, { name, label, begin, next }, { state, change, before, after }) {
  let frame = null;
  const stop = () => {
    if (frame === null) return;
    cancelAnimationFrame(frame);
    frame = null;
    switcher.textContent = label;
    after();
  };
  const switcher = button(buttons, label, () => {
    if (frame !== null) return stop();
    before();
    let last = performance.now();
    const tick = (now) => {
      const value = next(state, (now - last) / 1000);
      last = now;
      if (value === null) return stop();
      change({ [name]: value });
      frame = requestAnimationFrame(tick);
    };
    change({ [name]: begin(state) });
    switcher.textContent = "Pause";
    frame = requestAnimationFrame(tick);
  });
  switcher.classList.add("play");
  return stop;
}

const LINK = "Link to this state";

/** A button that puts the address of the state into the address bar and, where it can, on the clipboard; returns what takes its words back. */
export function linker(buttons, figure, parameters, state, address) {
  const link = button(buttons, LINK, async () => {
    const shown = Object.entries(parameters).map(([name, parameter]) => [name, short(parameter, state[name])]);
    const place = address(figure, Object.fromEntries(shown));
    history.replaceState(null, "", place);
    try {
      await navigator.clipboard.writeText(place);
      link.textContent = "Link copied";
    } catch {
      link.textContent = "Link is in the address bar"; // where the clipboard is not to be had
    }
  });
  return () => {
    if (link.textContent !== LINK) link.textContent = LINK;
  };
}

/** What lines, areas and marks stand for: `legend` maps words to kinds. */
export function legendOf(legend) {
  const lines = element("p", { class: "legend" });
  for (const [words, kind] of Object.entries(legend)) {
    const sample = svgElement("svg", { viewBox: "0 0 30 10", width: 30, height: 10, "aria-hidden": "true" });
    const round = /\b(dot|handle)\b/.test(kind);
    const block = /basin|doom|warn|stone/.test(kind);
    if (kind === "cross") sample.append(svgElement("path", { class: kind, d: crossAt(15, 5) }));
    else if (round) sample.append(svgElement("circle", { class: kind, cx: 15, cy: 5, r: 4 }));
    else sample.append(svgElement("path", { class: block ? kind : `curve ${kind}`, d: block ? "M0 0H30V10H0z" : "M0 5H30" }));
    lines.append(element("span", {}, sample, ` ${words}`));
  }
  return lines;
}
