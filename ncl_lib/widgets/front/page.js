// The host on a static page: gives every root element a model of its own, without a kernel.

/** What an explorable needs of a Jupyter model: state, listeners, and an address that reproduces the state. */
function pageModel(values) {
  const state = { ...values };
  return {
    get: (key) => state[key],
    set: (key, value) => (state[key] = value),
    save_changes() {},
    on() {},
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

function start(figures) {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const el of document.querySelectorAll("div.explorable[data-explorable]")) {
    const name = el.dataset.explorable;
    const values = JSON.parse(el.dataset.state || "{}");
    if (asked.get("explorable") === name) {
      for (const [key, text] of asked) if (key !== "explorable") values[key] = parsed(text);
    }
    figures[name].render({ model: pageModel(values), el });
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(figures));
else start(figures);
