// Elements of a page and of a picture.

const SVG = "http://www.w3.org/2000/svg";

/** A new element with attributes and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A new element of a picture. */
export function svgElement(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Path of a cross around a place. */
export const crossAt = (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`;

/**
 * A group of a picture that is drawn anew at every redraw, from begin() to end(), and made only once: an element that
 * comes in the same place as the last time is kept, and of its attributes those that have not changed are left alone.
 */
export function canvas(group) {
  const drawn = []; // in the order of drawing, each with the attributes that it has
  let next = 0;
  return {
    begin: () => (next = 0),
    put(tag, attributes, words = "") {
      let here = drawn[next];
      if (here?.tag !== tag) {
        const node = svgElement(tag);
        if (here) here.node.replaceWith(node);
        else group.append(node);
        here = drawn[next] = { tag, node, attributes: {}, words: "" };
      }
      for (const name in attributes) {
        if (here.attributes[name] !== attributes[name]) here.node.setAttribute(name, attributes[name]);
      }
      for (const name in here.attributes) if (!(name in attributes)) here.node.removeAttribute(name);
      if (here.words !== words) here.node.textContent = words;
      Object.assign(here, { attributes, words });
      next++;
    },
    end() {
      for (const { node } of drawn.splice(next)) node.remove();
    },
  };
}
