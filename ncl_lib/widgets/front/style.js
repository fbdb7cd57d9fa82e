// How explorables look: both themes, paper, and widths from a phone's up.

export const STYLE = `
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
.explorable svg .cross { stroke: var(--ink); stroke-width: 2.2; fill: none; }
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
