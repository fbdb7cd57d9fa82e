// A formula that is wider than its column scrolls; let a keyboard reach it, and only it, in every browser.
window.addEventListener("load", async () => {
  await document.fonts.ready;
  const mark = () => {
    for (const box of document.querySelectorAll("div.math > .formula, span.math.long")) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  };
  mark();
  window.addEventListener("resize", mark);
});
