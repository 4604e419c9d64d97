// Charts drawn by Plotly, in the view's colours.

/** @import { Drawing, Look, Model } from "./types.d.ts" */

import { h } from "./elements.js";
import { plotly } from "./plotly.js";

const MISSING =
  "The chart is drawn where plotly.js is at hand: in the book, in saved pages, and by Python.";

/**
 * The view's colours and type where an element is.
 *
 * @param {HTMLElement} element
 * @returns {Look}
 */
function lookOf(element) {
  const style = getComputedStyle(element);
  // A property's own value may be another property; that of a colour is not.
  const probe = h("span", { hidden: true });
  element.append(probe);
  /** @param {string} name */
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["text", "quiet", "ground", "raised", "line", "first", "second", "right", "wrong"];
  const colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
  probe.remove();
  return { ...colours, font: style.fontFamily };
}

/**
 * Draws anew when the page turns dark or light, as long as the element is on it.
 *
 * @param {HTMLElement} element
 * @param {() => void} draw
 */
function drawOnTurn(element, draw) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const turned = () => {
    if (element.isConnected) return draw();
    scheme.removeEventListener("change", turned);
    observer.disconnect();
  };
  const observer = new MutationObserver(turned);
  scheme.addEventListener("change", turned);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
}

/**
 * What all charts have: no toolbar, nothing that dragging changes, the view's colours.
 *
 * @param {Look} look
 * @param {Record<string, any>} layout
 */
function layoutOf(look, layout) {
  const axis = {
    automargin: false,
    color: look.text,
    fixedrange: true,
    gridcolor: look.line,
    zerolinecolor: look.line,
  };
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name));
  return {
    dragmode: false,
    font: { color: look.text, family: look.font, size: 12 },
    hoverlabel: { bgcolor: look.raised, bordercolor: look.line, font: { color: look.text } },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    showlegend: false,
    ...layout,
    ...Object.fromEntries(axes.map(([name, own]) => [name, { ...axis, ...own }])),
  };
}

/**
 * A chart. It is drawn once it is on the page, whenever `draw` is called, and anew when the page
 * turns dark or its place has another width.
 *
 * @param {Model} model
 * @param {string} name of its class
 * @param {(look: Look) => Drawing | null} figure what is drawn; null for nothing yet
 */
export function chart(model, name, figure) {
  const canvas = h("div", { class: "lfs-canvas", "aria-hidden": "true" });
  const element = h("div", { class: `lfs-plot ${name}` }, canvas);
  let width = 0; // for which it is drawn
  async function draw() {
    const code = await plotly(model);
    width = element.clientWidth;
    if (!width) return;
    if (!code) return canvas.replaceChildren(h("p", { class: "lfs-hint" }, MISSING));
    const look = lookOf(element);
    const found = figure(look);
    if (!found) return;
    const layout = layoutOf(look, { ...found.layout, width });
    await code.react(canvas, found.data, layout, { displayModeBar: false });
  }
  const sizes = new ResizeObserver(() => {
    if (element.clientWidth !== width) draw();
  });
  sizes.observe(element);
  drawOnTurn(element, draw);
  return { element, draw };
}
