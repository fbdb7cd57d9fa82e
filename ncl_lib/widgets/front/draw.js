// What all explorables share: controls, axes, curves, handles. One state object, one redraw, no library.

const STYLE = `
.explorable { --ink: currentColor; --quiet: #595959; --blue: #0072b2; --red: #c44e00; --green: #00795a; --shade: #0072b2;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px; padding: 0.8rem; margin: 1rem 0;
  container-type: inline-size; }
html[data-theme="dark"] .explorable, body[data-jp-theme-light="false"] .explorable {
  --quiet: #b5b5b5; --blue: #7cc4f2; --red: #ff9d5c; --green: #4fd3ac; --shade: #7cc4f2; }
.explorable .views { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.explorable .views svg { flex: 1 1 300px; min-width: 0; max-width: min(100%, 420px); height: auto; touch-action: pan-y; font-size: 13px; }
.explorable svg text { fill: var(--ink); }
.explorable svg .axis, .explorable svg .tick { stroke: var(--quiet); stroke-width: 1; fill: none; }
.explorable svg .curve { fill: none; stroke-width: 2.2; stroke: var(--blue); }
.explorable svg .dashed { stroke-dasharray: 6 4; }
.explorable svg .thin { stroke-width: 1.2; }
.explorable svg .red { stroke: var(--red); } .explorable svg .green { stroke: var(--green); }
.explorable svg .ink { stroke: var(--ink); } .explorable svg .quiet { stroke: var(--quiet); }
.explorable svg .basin { fill: var(--green); fill-opacity: 0.14; stroke: none; }
.explorable svg .doom { fill: var(--shade); fill-opacity: 0.14; stroke: none; }
.explorable svg .warn { fill: var(--red); fill-opacity: 0.6; stroke: none; }
.explorable svg .strong { fill-opacity: 0.6; }
.explorable svg .mark { stroke: var(--ink); stroke-width: 1.8; fill: var(--ink); }
.explorable svg .mark.open { fill: transparent; }
.explorable svg .handle { fill: var(--red); stroke: var(--ink); stroke-width: 1.5; cursor: grab; }
.explorable .controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 0.4rem 1rem; }
.explorable .controls label { display: grid; grid-template-columns: 1fr auto; align-items: baseline; font-size: 0.9rem; }
.explorable .controls input[type="range"] { grid-column: 1 / -1; width: 100%; margin: 0; min-height: 24px; }
.explorable .buttons { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.5rem 0; }
.explorable button { font: inherit; font-size: 0.85rem; padding: 0.25rem 0.7rem; min-height: 28px; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 4px; cursor: pointer; }
.explorable select { font: inherit; font-size: 0.9rem; color: inherit; background: transparent; }
.explorable select option { color: black; background: white; }
.explorable .summary { margin: 0.4rem 0 0; font-size: 0.95rem; }
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

let count = 0; // for identifiers that are unique on a page with several explorables

/**
 * Build an explorable inside `el` and keep it in step with `model`, which has get, set, save_changes and on, as in
 * Jupyter. `parameters` are {name, label, min, max, step, value, digits} or {name, label, options, value};
 * `presets` map a label to values; `redraw(state, views)` draws everything and returns the summary in words.
 */
export function explorable({ model, el, name, parameters, presets = {}, views, redraw }) {
  const id = `explorable-${count++}`;
  el.classList.add("explorable");
  el.setAttribute("data-explorable", name);
  const state = {};
  const controls = element("div", { class: "controls" });
  const summary = element("p", { class: "summary", "aria-live": "polite" });
  const inputs = {};
  for (const p of parameters) {
    const key = `${id}-${p.name}`;
    const output = element("output", { for: key });
    const input = p.options
      ? element("select", { id: key }, ...p.options.map((o) => element("option", { value: o }, o)))
      : element("input", { type: "range", id: key, min: p.min, max: p.max, step: p.step });
    input.dataset.parameter = p.name;
    controls.append(element("label", { for: key }, p.label, p.options ? "" : output, input));
    inputs[p.name] = { input, output, ...p };
    input.addEventListener("input", () => change({ [p.name]: p.options ? input.value : Number(input.value) }));
    model.on(`change:${p.name}`, () => {
      if (state[p.name] !== model.get(p.name)) change({ [p.name]: model.get(p.name) }, false);
    });
  }
  // Notebooks have shortcuts on the keys that move a slider.
  el.addEventListener("keydown", (event) => event.stopPropagation());

  const initial = Object.fromEntries(parameters.map((p) => [p.name, p.value]));
  const buttons = element("div", { class: "buttons" });
  const button = (label, act) => {
    const made = element("button", { type: "button" }, label);
    made.addEventListener("click", act);
    buttons.append(made);
    return made;
  };
  for (const [label, values] of Object.entries(presets)) button(label, () => change(values));
  button("Reset", () => change(initial)).classList.add("reset");
  if (model.address) {
    button("Link to this state", async (event) => {
      const place = model.address(name, state);
      history.replaceState(null, "", place);
      try {
        await navigator.clipboard.writeText(place);
        event.target.textContent = "Link copied";
      } catch {
        event.target.textContent = "Link is in the address bar"; // where the clipboard is not to be had
      }
    });
  }
  const stage = element("div", { class: "views" });
  el.replaceChildren(element("style", {}, STYLE), controls, buttons, stage, summary);
  const drawn = Object.fromEntries(Object.entries(views).map(([key, view]) => [key, axes(stage, view, `${id}-${key}`, change)]));

  function change(values, tell = true) {
    for (const [key, value] of Object.entries(values)) {
      const { input, output, min, max, digits, options } = inputs[key];
      state[key] = options ? value : Math.min(max, Math.max(min, value));
      input.value = state[key];
      if (!options) {
        output.value = state[key].toFixed(digits);
        input.setAttribute("aria-valuetext", output.value);
      }
      if (tell) model.set(key, state[key]);
    }
    if (tell) model.save_changes();
    const began = performance.now();
    for (const view of Object.values(drawn)) view.clear();
    summary.textContent = redraw(state, drawn);
    el.lastRedraw = performance.now() - began;
  }
  change(Object.fromEntries(parameters.map((p) => [p.name, model.get(p.name) ?? p.value])), false);
  return () => el.replaceChildren();
}

/** A pair of axes: curves, areas and marks in data coordinates, clipped to the frame. */
function axes(stage, { title, xlabel, ylabel, x, y, height = 260 }, id, change) {
  const width = 360;
  const frame = { left: 52, right: width - 10, top: 12, bottom: height - 42 };
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  const clip = svgElement("clipPath", { id: `${id}-clip` });
  clip.append(svgElement("rect", { x: frame.left, y: frame.top, width: frame.right - frame.left, height: frame.bottom - frame.top }));
  const defs = svgElement("defs");
  defs.append(clip);
  const scale = svgElement("g");
  const layer = svgElement("g", { "clip-path": `url(#${id}-clip)` });
  const over = svgElement("g");
  svg.append(defs, scale, layer, over);
  stage.append(svg);
  const range = { x: [0, 1], y: [0, 1] };
  const X = (value) => frame.left + ((value - range.x[0]) / (range.x[1] - range.x[0])) * (frame.right - frame.left);
  const Y = (value) => frame.bottom - ((value - range.y[0]) / (range.y[1] - range.y[0])) * (frame.bottom - frame.top);
  let dragged = null;
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * width;
    const py = ((event.clientY - box.top) / box.height) * height;
    return [
      range.x[0] + ((px - frame.left) / (frame.right - frame.left)) * (range.x[1] - range.x[0]),
      range.y[0] + ((frame.bottom - py) / (frame.bottom - frame.top)) * (range.y[1] - range.y[0]),
    ];
  };
  svg.addEventListener("pointerdown", (event) => {
    if (!view.drag) return;
    dragged = view.drag;
    svg.setPointerCapture(event.pointerId);
    change(dragged(...at(event)));
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => dragged && change(dragged(...at(event))));
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (dragged = null));

  const path = (points) =>
    points
      .map(([a, b], k) => `${k ? "L" : "M"}${X(a).toFixed(2)} ${Math.max(-1e4, Math.min(1e4, Y(b))).toFixed(2)}`)
      .join("");
  const view = {
    drag: null,
    /** Forget what was drawn, and label the axes for these ranges. */
    clear(xs = x, ys = y) {
      range.x = xs;
      range.y = ys;
      layer.replaceChildren();
      over.replaceChildren();
      scale.replaceChildren();
      const line = (d) => scale.append(svgElement("path", { class: "axis", d }));
      line(`M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}`);
      for (const value of ticks(...xs)) {
        line(`M${X(value)} ${frame.bottom}v5`);
        label(scale, X(value), frame.bottom + 18, value.toString(), "middle");
      }
      for (const value of ticks(...ys)) {
        line(`M${frame.left} ${Y(value)}h-5`);
        label(scale, frame.left - 8, Y(value) + 4, value.toString(), "end");
      }
      label(scale, (frame.left + frame.right) / 2, height - 6, xlabel, "middle");
      const turned = label(scale, 0, 0, ylabel, "middle");
      turned.setAttribute("transform", `translate(13 ${(frame.top + frame.bottom) / 2}) rotate(-90)`);
    },
    curve: (points, kind = "") => layer.append(svgElement("path", { class: `curve ${kind}`, d: path(points) })),
    rectangle(x0, x1, y0, y1, kind) {
      const [left, right, top, bottom] = [X(x0), X(x1), Y(y1), Y(y0)];
      layer.append(svgElement("rect", { class: kind, x: left, y: top, width: Math.max(right - left, 0), height: Math.max(bottom - top, 0) }));
    },
    mark(a, b, kind) {
      const inside = X(a) > frame.left - 8 && X(a) < frame.right + 8 && Y(b) > frame.top - 8 && Y(b) < frame.bottom + 8;
      if (inside) over.append(svgElement("circle", { class: `mark ${kind}`, cx: X(a), cy: Y(b), r: 5.5 }));
    },
    handle(a, b, drag) {
      view.drag = drag;
      const cx = Math.min(frame.right, Math.max(frame.left, X(a)));
      const cy = Math.min(frame.bottom, Math.max(frame.top, Y(b)));
      over.append(svgElement("circle", { class: "handle", cx, cy, r: 8 }));
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

/** `n` numbers from low to high. */
export const grid = (low, high, n) => Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
