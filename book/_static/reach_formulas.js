// A formula that is wider than its column scrolls; let a keyboard reach it, and only it.
window.addEventListener("load", async () => {
  if (!window.MathJax?.startup?.promise) return;
  await MathJax.startup.promise;
  const mark = () => {
    for (const formula of document.querySelectorAll("mjx-container[display]")) {
      formula.toggleAttribute("tabindex", formula.scrollWidth > formula.clientWidth);
      if (formula.hasAttribute("tabindex")) formula.setAttribute("tabindex", "0");
    }
  };
  mark();
  window.addEventListener("resize", mark);
});
