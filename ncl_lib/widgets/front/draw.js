// What all explorables share: controls, axes, curves, handles. One state object, one redraw, no library.

const STYLE = `
.explorable { --ink: currentColor; --quiet: #595959; --blue: #0072b2; --red: #c44e00; --green: #00795a; --shade: #0072b2;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px; padding: 0.8rem; margin: 1rem 0;
  container-type: inline-size; }
html[data-theme="dark"] .explorable, body[data-jp-theme-light="false"] .explorable {
  --quiet: #b5b5b5; --blue: #7cc4f2; --red: #ff9d5c; --green: #4fd3ac; --shade: #7cc4f2; }
.explorable .views { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 0.5rem; }
.explorable .views > svg { width: 100%; height: auto; touch-action: pan-y; font-size: 13px; }
.explorable .notes { align-self: center; }
.explorable .views > svg:nth-child(even) + .notes { grid-column: 1 / -1; }
.explorable svg text { fill: var(--ink); }
.explorable svg .axis, .explorable svg .tick { stroke: var(--quiet); stroke-width: 1; fill: none; }
.explorable svg .curve { fill: none; stroke-width: 2.2; stroke: var(--blue); }
.explorable svg .dashed { stroke-dasharray: 6 4; }
.explorable svg .dotted { stroke-dasharray: 2 4; }
.explorable svg .thin { stroke-width: 1.2; }
.explorable svg .red { stroke: var(--red); } .explorable svg .green { stroke: var(--green); }
.explorable svg .ink { stroke: var(--ink); } .explorable svg .quiet { stroke: var(--quiet); }
.explorable svg .basin { fill: var(--green); fill-opacity: 0.14; stroke: none; }
.explorable svg .doom { fill: var(--shade); fill-opacity: 0.14; stroke: none; }
.explorable svg .warn { fill: var(--red); fill-opacity: 0.6; stroke: none; }
.explorable svg .weak { fill-opacity: 0.25; }
.explorable svg .stone { fill: var(--quiet); fill-opacity: 0.5; stroke: none; }
.explorable svg .strong { fill-opacity: 0.6; }
.explorable svg .dot { stroke: var(--ink); stroke-width: 1.8; fill: var(--ink); }
.explorable svg .dot.open { fill: transparent; }
.explorable svg .dot.now { fill: var(--red); stroke: none; }
.explorable svg .handle { fill: var(--red); stroke: var(--ink); stroke-width: 1.5; cursor: grab; }
.explorable svg .halo { fill: transparent; touch-action: none; cursor: grab; }
.explorable svg .handle { touch-action: none; }
.explorable svg .handle.blue { fill: var(--blue); }
.explorable svg .handle.green { fill: var(--green); }
.explorable svg .handle.lives { fill: var(--green); }
.explorable svg .handle.dies { fill: transparent; stroke: var(--red); stroke-width: 2.5; }
.explorable svg .handle.chosen { stroke-width: 4; }
.explorable .controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(210px, 45%), 1fr)); gap: 0.4rem 1rem; align-items: end; }
.explorable .controls label { display: grid; grid-template-columns: 1fr auto; align-items: baseline; font-size: 0.9rem; }
.explorable .controls input[type="range"] { grid-column: 1 / -1; width: 100%; margin: 0; min-height: 24px; }
.explorable .buttons { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.5rem 0; }
.explorable button { font: inherit; font-size: 0.85rem; padding: 0.25rem 0.7rem; min-height: 28px; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 4px; cursor: pointer; }
.explorable select { font: inherit; font-size: 0.9rem; color: inherit; background: transparent; }
.explorable select option { color: black; background: white; }
.explorable .legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; margin: 0.2rem 0 0; font-size: 0.85rem; }
.explorable .legend:empty { display: none; }
.explorable .summary { margin: 0.4rem 0 0; font-size: 0.95rem; }
.explorable .controls label:has(:disabled) { opacity: 0.55; }
@media print { .explorable .controls, .explorable .buttons { display: none; }
  .explorable, html[data-theme="dark"] .explorable { --quiet: #595959; --blue: #0072b2; --red: #c44e00; --green: #00795a; --shade: #0072b2; color: black; } }
.explorable :focus-visible { outline: 2px solid var(--red); outline-offset: 2px; }
`;

const SVG = "http://www.w3.org/2000/svg";

/** A new element with attributes and children. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function svgElement(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// JupyterLab's shortcuts take arrow keys and others from whatever has the focus in a notebook, unless it says no.
const QUIET = { "data-lm-suppress-shortcuts": "true" };

let count = 0; // for identifiers that are unique on a page with several explorables

/**
 * Build an explorable inside `el` and keep it in step with `model`, which has get, set, save_changes, on and off, as in
 * Jupyter; on a page also `initial`, the state that the page gives it, and `address`. `parameters` are {name, label, min,
 * max, step, value, digits}, or with `options` in place of numbers; one with `of` is a list, and its slider moves the
 * entry that the parameter named there counts to; `idle(state)` says when it has no effect. `presets` map a label to
 * values; `play` is {name, label, begin, next}: a button that moves a parameter on its own, from begin(state), by
 * next(state, seconds) while that is not null; `redraw(state, views, held)` draws everything and returns the summary in
 * words, where `state` differs from `held` while a mouse hovers; `legend` maps words to lines.
 */
export function explorable({ model, el, name, parameters, presets = {}, play = null, views, legend = {}, redraw }) {
  const id = `explorable-${count++}`;
  el.classList.add("explorable");
  el.setAttribute("data-explorable", name);
  const state = (el.state = {});
  const controls = element("div", { class: "controls" });
  const summary = element("p", { class: "summary", "aria-live": "polite", id: `${id}-summary` });
  const inputs = {};
  const listeners = [];
  const still = () => {};
  let stop = still; // what ends the play that is going on
  for (const p of parameters) {
    const key = `${id}-${p.name}`;
    const output = element("output", { for: key });
    const input = p.options
      ? element("select", { id: key, ...QUIET }, ...p.options.map((o) => element("option", { value: o }, o)))
      : element("input", { type: "range", id: key, min: p.min, max: p.max, step: p.step, ...QUIET });
    input.dataset.parameter = p.name;
    controls.append(element("label", { for: key }, p.label, p.options ? "" : output, input));
    inputs[p.name] = { input, output, ...p };
    const entered = () => {
      if (p.options) return input.value;
      return p.of ? state[p.name].map((value, k) => (k === state[p.of] - 1 ? Number(input.value) : value)) : Number(input.value);
    };
    input.addEventListener("input", () => {
      if (play?.name === p.name) stop();
      change({ [p.name]: entered() });
    });
    const follow = () => {
      if (String(state[p.name]) !== String(model.get(p.name))) change({ [p.name]: model.get(p.name) }, false);
    };
    model.on(`change:${p.name}`, follow);
    listeners.push([`change:${p.name}`, follow]);
  }

  const initial = Object.fromEntries(parameters.map((p) => [p.name, model.initial?.(p.name) ?? model.get(p.name) ?? p.value]));
  const buttons = element("div", { class: "buttons" });
  const button = (label, act) => {
    const made = element("button", { type: "button", ...QUIET }, label);
    made.addEventListener("click", act);
    buttons.append(made);
    return made;
  };
  if (play) {
    const switcher = button(play.label, () => {
      if (stop !== still) return stop();
      let frame;
      makeRoom();
      let before = performance.now();
      change({ [play.name]: play.begin(state) });
      summary.setAttribute("aria-live", "off"); // sixty sentences a second are not to be read out
      switcher.textContent = "Pause";
      const tick = (now) => {
        const value = play.next(state, (now - before) / 1000);
        before = now;
        if (value === null) return stop();
        change({ [play.name]: value });
        frame = requestAnimationFrame(tick);
      };
      stop = () => {
        cancelAnimationFrame(frame);
        stop = still;
        switcher.textContent = play.label;
        summary.setAttribute("aria-live", "polite");
      };
      frame = requestAnimationFrame(tick);
    });
    switcher.classList.add("play");
  }
  /** Keep as much room as the longest of the sentences to come needs, or the page below would jump while they pass. */
  function makeRoom() {
    summary.style.minHeight = "";
    let tallest = summary.offsetHeight;
    let value = play.begin(state);
    while (value !== null) {
      summary.textContent = redraw({ ...state, [play.name]: value }, drawn, state);
      tallest = Math.max(tallest, summary.offsetHeight);
      value = play.next({ ...state, [play.name]: value }, 0.25);
    }
    summary.style.minHeight = `${tallest}px`;
  }
  /** A change that ends the play, as the hand wants something else. */
  const byHand = (values) => {
    stop();
    change(values);
  };
  for (const [label, values] of Object.entries(presets)) button(label, () => byHand(values));
  button("Reset", () => byHand(initial)).classList.add("reset");
  let link = null;
  if (model.address) {
    link = button("Link to this state", async () => {
      const short = ({ digits }, value) => (Array.isArray(value) ? value.map((x) => Number(x.toFixed(digits))) : Number(value.toFixed(digits)));
      const shown = parameters.map((p) => [p.name, p.options ? state[p.name] : short(p, state[p.name])]);
      const place = model.address(name, Object.fromEntries(shown));
      history.replaceState(null, "", place);
      try {
        await navigator.clipboard.writeText(place);
        link.textContent = "Link copied";
      } catch {
        link.textContent = "Link is in the address bar"; // where the clipboard is not to be had
      }
    });
  }
  const stage = element("div", { class: "views" });
  const lines = element("p", { class: "legend" });
  for (const [words, kind] of Object.entries(legend)) {
    const sample = svgElement("svg", { viewBox: "0 0 30 10", width: 30, height: 10, "aria-hidden": "true" });
    const round = /\b(dot|handle)\b/.test(kind);
    const block = /basin|doom|warn|stone/.test(kind);
    if (round) sample.append(svgElement("circle", { class: kind, cx: 15, cy: 5, r: 4 }));
    else sample.append(svgElement("path", { class: block ? kind : `curve ${kind}`, d: block ? "M0 0H30V10H0z" : "M0 5H30" }));
    lines.append(element("span", {}, sample, ` ${words}`));
  }
  const notes = element("div", { class: "notes" }, lines, summary);
  el.replaceChildren(element("style", {}, STYLE), controls, buttons, stage);
  const preview = (values) => {
    const began = performance.now();
    summary.textContent = redraw({ ...state, ...values }, drawn, state);
    el.lastRedraw = performance.now() - began;
  };
  const host = { id, change: byHand, preview, describe: summary.id };
  const drawn = Object.fromEntries(Object.entries(views).map(([key, view]) => [key, axes(stage, key, view, host)]));
  stage.append(notes);

  function change(values, tell = true) {
    for (const [key, value] of Object.entries(values)) {
      state[key] = allowed(inputs[key], value);
      if (tell) model.set(key, state[key]);
    }
    for (const { name, input, output, digits, options, of, idle } of Object.values(inputs)) {
      if (idle) input.disabled = idle(state);
      const shown = of ? state[name]?.[state[of] - 1] : state[name];
      if (shown === undefined) continue; // while the first values come in
      input.value = shown;
      if (options) continue;
      output.value = shown.toFixed(digits);
      input.setAttribute("aria-valuetext", output.value);
    }
    if (tell) model.save_changes();
    if (link) link.textContent = "Link to this state"; // one that was made is of another state now
    preview({});
  }
  change(Object.fromEntries(parameters.map((p) => [p.name, model.get(p.name) ?? p.value])), false);
  return () => {
    stop();
    for (const [event, follow] of listeners) model.off(event, follow);
    el.replaceChildren();
  };
}

/** A value of this parameter: within its bounds, or its first value where there is no reading it as one. */
function allowed({ value: first, min, max, digits, options, of }, value) {
  if (options) return options.includes(value) ? value : first;
  if (of) return first.map((number, k) => allowed({ value: number, min, max, digits }, value[k]));
  if (!Number.isFinite(value)) return first;
  return Math.min(max, Math.max(min, digits === 0 ? Math.round(value) : value));
}

const TOUCH = 16; // how near to a handle a finger has to come down

/** A pair of axes: curves, areas and marks in data coordinates, clipped to the frame. `log` names logarithmic axes. */
function axes(stage, key, { title, xlabel, ylabel, x, y, log = "", height = 260 }, { id, change, preview, describe }) {
  const width = 360;
  const frame = { left: 58, right: width - 14, top: 12, bottom: height - 42 };
  const svg = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, "aria-describedby": describe, "data-view": key,
  });
  const clip = svgElement("clipPath", { id: `${id}-${key}-clip` });
  clip.append(svgElement("rect", { x: frame.left, y: frame.top, width: frame.right - frame.left, height: frame.bottom - frame.top }));
  const defs = svgElement("defs");
  defs.append(clip);
  const scale = svgElement("g");
  const layer = svgElement("g", { "clip-path": `url(#${id}-${key}-clip)` });
  const over = svgElement("g");
  svg.append(defs, scale, layer, over);
  stage.append(svg);
  const range = { x: [0, 0], y: [0, 0] };
  const measure = { x: log.includes("x") ? Math.log10 : Number, y: log.includes("y") ? Math.log10 : Number };
  const origin = {};
  const span = {};
  const share = (axis, value) => (measure[axis](value) - origin[axis]) / span[axis];
  const value = (axis, part) => {
    const measured = origin[axis] + part * span[axis];
    return log.includes(axis) ? 10 ** measured : measured;
  };
  const X = (at) => frame.left + share("x", at) * (frame.right - frame.left);
  const Y = (at) => frame.bottom - share("y", at) * (frame.bottom - frame.top);
  let dragged = null;
  let pointer = null; // which of several fingers drags
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * width;
    const py = ((event.clientY - box.top) / box.height) * height;
    return [value("x", (px - frame.left) / (frame.right - frame.left)), value("y", (frame.bottom - py) / (frame.bottom - frame.top))];
  };
  const nearest = (event, reach) => {
    const point = at(event);
    const distance = ([a, b]) => Math.hypot(X(a) - X(point[0]), Y(b) - Y(point[1]));
    const found = view.handles.reduce((best, handle) => (best && distance(best) <= distance(handle) ? best : handle), null);
    return found && distance(found) <= reach ? found[2] : null;
  };
  const take = (event) => {
    const drag = nearest(event, Infinity);
    if (drag) change(drag(...at(event)));
    return drag;
  };
  svg.addEventListener("pointerdown", (event) => {
    if (dragged || event.button !== 0) return;
    // A finger that comes down elsewhere may be about to scroll the page. One on a handle moves nothing yet: a redraw
    // would take away what it touches, and with it the touchstart that has to be called off.
    dragged = event.pointerType === "touch" ? nearest(event, TOUCH) : take(event);
    if (!dragged) return;
    pointer = event.pointerId;
    svg.setPointerCapture(pointer);
    event.preventDefault();
  });
  // A finger on a handle drags it in every direction; what the page would do with the touch is called off before it begins.
  svg.addEventListener("touchstart", (event) => dragged && event.cancelable && event.preventDefault(), { passive: false });
  svg.addEventListener("click", (event) => event.pointerType === "touch" && take(event));
  svg.addEventListener("pointermove", (event) => {
    if (dragged && event.pointerId === pointer) change(dragged(...at(event)));
    else if (!dragged && view.hover && event.pointerType === "mouse") preview(view.hover(...at(event)));
  });
  svg.addEventListener("pointerleave", () => !dragged && view.hover && preview({}));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    svg.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      dragged = pointer = null;
      change({}); // axes that held still under the finger may follow now
    });
  }

  // Points far outside would overflow what a renderer can place.
  const near = (pixel) => Math.round(Math.max(-1e4, Math.min(1e4, pixel)) * 10) / 10;
  const path = (points) => {
    let made = "";
    for (const [a, b] of points) made += `${made ? "L" : "M"}${near(X(a))} ${near(Y(b))}`;
    return made;
  };
  const view = {
    handles: [],
    hover: null,
    /** Forget what was drawn, and label the axes for these ranges. */
    clear(xs = x, ys = y) {
      if (dragged) [xs, ys] = [range.x, range.y];
      view.handles = [];
      layer.replaceChildren();
      over.replaceChildren();
      if (String([xs, ys]) === String([range.x, range.y])) return;
      range.x = xs;
      range.y = ys;
      for (const axis of ["x", "y"]) {
        const [low, high] = range[axis].map(measure[axis]);
        origin[axis] = low;
        span[axis] = high - low;
      }
      scale.replaceChildren();
      const line = (d) => scale.append(svgElement("path", { class: "axis", d }));
      line(`M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}`);
      const marks = (axis) => (log.includes(axis) ? decades : ticks)(...range[axis]);
      for (const value of marks("x")) {
        line(`M${X(value)} ${frame.bottom}v5`);
        label(scale, X(value), frame.bottom + 18, written(value), "middle");
      }
      for (const value of marks("y")) {
        line(`M${frame.left} ${Y(value)}h-5`);
        label(scale, frame.left - 8, Y(value) + 4, written(value), "end");
      }
      label(scale, (frame.left + frame.right) / 2, height - 6, xlabel, "middle");
      const turned = label(scale, 0, 0, ylabel, "middle");
      turned.setAttribute("transform", `translate(13 ${(frame.top + frame.bottom) / 2}) rotate(-90)`);
    },
    curve: (points, kind = "") => layer.append(svgElement("path", { class: `curve ${kind}`, d: path(points) })),
    area: (points, kind) => layer.append(svgElement("path", { class: kind, d: `${path(points)}Z` })),
    rectangle: (x0, x1, y0, y1, kind) => view.area([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], kind),
    /** Words in the picture, if the place for them is in it. */
    words(a, b, text, anchor = "middle") {
      if (share("x", a) >= 0 && share("x", a) <= 1 && share("y", b) > 0.03 && share("y", b) < 0.95) label(over, X(a), Y(b), text, anchor);
    },
    mark(a, b, kind) {
      const inside = X(a) > frame.left - 8 && X(a) < frame.right + 8 && Y(b) > frame.top - 8 && Y(b) < frame.bottom + 8;
      if (inside) over.append(svgElement("circle", { class: `dot ${kind}`, cx: X(a), cy: Y(b), r: 5.5 }));
    },
    /** A point to drag: what `drag(x, y)` returns becomes the state. A press anywhere takes the nearest one along. */
    handle(a, b, drag, kind = "") {
      view.handles.push([a, b, drag]);
      const cx = Math.min(frame.right, Math.max(frame.left, X(a)));
      const cy = Math.min(frame.bottom, Math.max(frame.top, Y(b)));
      over.append(svgElement("circle", { class: "halo", cx, cy, r: TOUCH }), svgElement("circle", { class: `handle ${kind}`, cx, cy, r: 8 }));
    },
  };
  return view;
}

function label(parent, x, y, text, anchor) {
  const made = svgElement("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  parent.append(made);
  return made;
}

/** A number at an axis: short, and with a minus that is one. */
function written(value) {
  let text = String(value);
  if (value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3)) {
    const [digits, power] = value.toExponential().split("e");
    const raised = [...power.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
    text = `${digits}·10${raised}`.replace(/^(-?)1·/, "$1");
  }
  return text.replace("-", "−");
}

/** Round numbers in a range. */
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + 1e-9 * step; value += step) found.push(Number(value.toFixed(digits)));
  return found;
}

/** Powers of ten in a range, so few that their labels have room. */
function decades(low, high) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const step = Math.ceil((last - first) / 6) || 1;
  const found = [];
  for (let power = first; power <= last; power += step) found.push(Number((10.0 ** power).toPrecision(1)));
  return found;
}

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

/** What plays a parameter from low to high within five seconds. */
export const sweep = (name, low, high) => ({
  name,
  label: "Play",
  begin: (state) => (state[name] < high ? state[name] : low),
  next: (state, seconds) => (state[name] < high ? state[name] + ((high - low) * seconds) / 5 : null),
});

/** `n` numbers from low to high. */
export const grid = (low, high, n) => Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
