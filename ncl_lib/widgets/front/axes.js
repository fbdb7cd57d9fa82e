// A pair of axes, and what is drawn between them: curves, areas, marks and handles in data coordinates.
import { canvas, crossAt, svgElement } from "./elements.js";
import { TOUCH, followPointers } from "./pointers.js";

const WIDTH = 360;

/** Where a picture of this height shows data; the rest is for labels. */
const frameOf = (height) => ({ left: 58, right: WIDTH - 14, top: 12, bottom: height - 42 });

/** One axis from pixel `start` to pixel `end`: set its range, then go from values to pixels and back. */
function scaleOf(start, end, logarithmic) {
  const measure = logarithmic ? Math.log10 : Number;
  let origin = 0;
  let span = 0;
  const scale = {
    range: [0, 0],
    marks: () => (logarithmic ? decades : ticks)(...scale.range),
    set(range) {
      scale.range = range;
      origin = measure(range[0]);
      span = measure(range[1]) - origin;
    },
    share: (value) => (measure(value) - origin) / span,
    pixel: (value) => start + scale.share(value) * (end - start),
    value(pixel) {
      const measured = origin + ((pixel - start) / (end - start)) * span;
      return logarithmic ? 10 ** measured : measured;
    },
  };
  return scale;
}

const label = (on, x, y, words, anchor, more = {}) => on.put("text", { x, y, "text-anchor": anchor, ...more }, words);

/** A round mark, or a cross. */
function markAt(on, cx, cy, kind) {
  if (kind === "cross") on.put("path", { class: kind, d: crossAt(cx, cy) });
  else on.put("circle", { class: `dot ${kind}`, cx, cy, r: 5.5 });
}

/** Draw both axes, with numbers and names. */
function rule(on, frame, height, x, y, xlabel, ylabel) {
  on.begin();
  const line = (d) => on.put("path", { class: "axis", d });
  line(`M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}`);
  for (const value of x.marks()) {
    line(`M${x.pixel(value)} ${frame.bottom}v5`);
    label(on, x.pixel(value), frame.bottom + 18, written(value), "middle");
  }
  for (const value of y.marks()) {
    line(`M${frame.left} ${y.pixel(value)}h-5`);
    label(on, frame.left - 8, y.pixel(value) + 4, written(value), "end");
  }
  label(on, (frame.left + frame.right) / 2, height - 6, xlabel, "middle");
  label(on, 0, 0, ylabel, "middle", { transform: `translate(13 ${(frame.top + frame.bottom) / 2}) rotate(-90)` });
  on.end();
}

/** An empty picture in `stage`, with a group for axes, one that is clipped to the frame, and one over all. */
function pictureIn(stage, key, title, height, { id, describe }) {
  const { left, right, top, bottom } = frameOf(height);
  const groups = [svgElement("g"), svgElement("g", { "clip-path": `url(#${id}-${key}-clip)` }), svgElement("g")];
  const shown = svgElement("rect", { x: left, y: top, width: right - left, height: bottom - top });
  const defs = svgElement("defs", {}, svgElement("clipPath", { id: `${id}-${key}-clip` }, shown));
  const svg = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": title, "aria-describedby": describe, "data-view": key,
  });
  svg.append(defs, ...groups);
  stage.append(svg);
  return [svg, ...groups.map(canvas)];
}

// Points far outside would overflow what a renderer can place.
const near = (pixel) => Math.round(Math.max(-1e4, Math.min(1e4, pixel)) * 10) / 10;

/**
 * A pair of axes in `stage`, for a host that gives `id`, `describe`, `change` and `preview`; `log` names logarithmic
 * axes. A redraw goes from clear() to end(). Points that were drawn before, the same array, cost nothing to draw again.
 */
export function axes(stage, key, { title, xlabel, ylabel, x: xRange, y: yRange, log = "", height = 260 }, host) {
  const frame = frameOf(height);
  const [svg, ruler, layer, over] = pictureIn(stage, key, title, height, host);
  const x = scaleOf(frame.left, frame.right, log.includes("x"));
  const y = scaleOf(frame.bottom, frame.top, log.includes("y"));
  let paths = new WeakMap(); // of points, while the ranges stay
  const pathOf = (points) => {
    let path = paths.get(points);
    if (path === undefined) {
      path = "";
      for (const [a, b] of points) path += `${path ? "L" : "M"}${near(x.pixel(a))} ${near(y.pixel(b))}`;
      paths.set(points, path);
    }
    return path;
  };
  const view = {
    handles: [],
    hover: null,
    /** Begin anew, with axes for these ranges; while a handle is dragged they hold still. */
    clear(xs = xRange, ys = yRange) {
      view.handles = [];
      layer.begin();
      over.begin();
      if (dragging() || String([xs, ys]) === String([x.range, y.range])) return;
      x.set(xs);
      y.set(ys);
      paths = new WeakMap();
      rule(ruler, frame, height, x, y, xlabel, ylabel);
    },
    curve: (points, kind = "") => layer.put("path", { class: `curve ${kind}`, d: pathOf(points) }),
    area: (points, kind) => layer.put("path", { class: kind, d: `${pathOf(points)}Z` }),
    rectangle: (x0, x1, y0, y1, kind) => view.area([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], kind),
    /** Words in the picture, if the place for them is in it. */
    words(a, b, text, anchor = "middle") {
      const [across, up] = [x.share(a), y.share(b)];
      if (across >= 0 && across <= 1 && up > 0.03 && up < 0.95) label(over, x.pixel(a), y.pixel(b), text, anchor);
    },
    mark(a, b, kind) {
      const [cx, cy] = [x.pixel(a), y.pixel(b)];
      const inside = cx > frame.left - 8 && cx < frame.right + 8 && cy > frame.top - 8 && cy < frame.bottom + 8;
      if (inside) markAt(over, cx, cy, kind);
    },
    /** A point to drag: what `drag(x, y)` returns becomes the state. A press anywhere takes the nearest one along. */
    handle(a, b, drag, kind = "") {
      view.handles.push([a, b, drag]);
      const cx = Math.min(frame.right, Math.max(frame.left, x.pixel(a)));
      const cy = Math.min(frame.bottom, Math.max(frame.top, y.pixel(b)));
      over.put("circle", { class: "halo", cx, cy, r: TOUCH });
      over.put("circle", { class: `handle ${kind}`, cx, cy, r: 8 });
    },
    end() {
      layer.end();
      over.end();
    },
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return [x.value(((event.clientX - box.left) / box.width) * WIDTH), y.value(((event.clientY - box.top) / box.height) * height)];
  };
  const dragging = followPointers(svg, view, { at, pixels: (a, b) => [x.pixel(a), y.pixel(b)] }, host);
  return view;
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

