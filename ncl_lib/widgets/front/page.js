// The host on a static page: gives every root element a model of its own, without a kernel.

/** What an explorable needs of a Jupyter model: state, listeners, and an address that reproduces the state. */
function pageModel(initial, asked) {
  const state = { ...initial, ...asked };
  return {
    get: (key) => state[key],
    initial: (key) => initial[key],
    set: (key, value) => (state[key] = value),
    save_changes() {},
    on() {},
    off() {},
    address(name, now) {
      const query = new URLSearchParams({ explorable: name, ...now });
      return `${location.href.split("#")[0]}#${query}`;
    },
  };
}

/** A value in an address: a number, a list of them, or a word. */
function parsed(text) {
  const numbers = text.split(",").map(Number);
  if (numbers.some(Number.isNaN)) return text;
  return numbers.length > 1 ? numbers : numbers[0];
}

const RENAMED = { v: "scaled" }; // parameters of addresses that were given out before they had their names

/** The explorable that the address names, and the state that it asks for. */
function inAddress() {
  const { explorable, ...texts } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return [explorable, Object.fromEntries(Object.entries(texts).map(([key, text]) => [RENAMED[key] ?? key, parsed(text)]))];
}

function start(figures) {
  const ends = new Map(); // what takes a figure down again
  const show = (el, asked) => {
    ends.get(el)?.();
    const model = pageModel(JSON.parse(el.dataset.state || "{}"), asked);
    ends.set(el, figures[el.dataset.explorable].render({ model, el }));
  };
  const all = [...document.querySelectorAll("div.explorable[data-explorable]")];
  const named = (name) => all.find((one) => one.dataset.explorable === name);
  const follow = () => {
    const [name, asked] = inAddress();
    const el = named(name);
    if (!el) return;
    show(el, asked);
    const bring = () => el.scrollIntoView({ block: "start" });
    bring();
    if (document.readyState !== "complete") addEventListener("load", bring, { once: true }); // pictures above have come by then
  };
  const awaited = named(inAddress()[0]);
  for (const el of all) if (el !== awaited) show(el, {});
  follow();
  addEventListener("hashchange", follow);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(figures));
else start(figures);
