// A mouse or a finger on a picture: handles that are dragged, and what hovering shows.

export const TOUCH = 16; // how near to a handle a finger has to come down

/**
 * Let the handles of a view be dragged: each is [x, y, drag], and what drag(x, y) returns becomes the state by
 * `change`. Where the view has `hover`, `preview` shows what that returns. `at(event)` is the place in data, `pixels`
 * those of a place. Returns what says whether a drag is going on.
 */
export function followPointers(svg, view, { at, pixels }, { change, preview }) {
  let dragged = null;
  let pointer = null; // which of several fingers drags
  const nearest = (event, reach) => {
    const [px, py] = pixels(...at(event));
    const distance = ([x, y]) => Math.hypot(pixels(x, y)[0] - px, pixels(x, y)[1] - py);
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
    // A finger that comes down elsewhere may be about to scroll the page; one on a handle moves nothing yet.
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
  return () => dragged !== null;
}
