// Charts drawn by Plotly. Their text and lines take the view's colours from its style.

/** @import { Drawing, Model } from "./types.d.ts" */

import { h } from "./elements.js";
import { plotly } from "./plotly.js";

const NO_PLOTLY =
  "The chart is drawn where plotly.js is available: in the book, in saved pages, and by Python.";
// Okabe and Ito's, which are told apart with any colour vision, on light and dark ground.
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9"];
const AXIS = { automargin: false, fixedrange: true };
const BARE = {
  dragmode: false,
  font: { family: "inherit", size: 12 },
  paper_bgcolor: "transparent",
  plot_bgcolor: "transparent",
  showlegend: false,
};

/**
 * A chart without toolbar. It is drawn once it is on the page, whenever `draw` is called, and anew
 * when its place has another width.
 *
 * @param {Model} model
 * @param {string} name of its class
 * @param {() => Drawing | null} figure what is drawn; null for nothing yet
 * @param {(data: any) => void} [clicked] is told the `customdata` of what is clicked
 */
export function chart(model, name, figure, clicked = () => {}) {
  const canvas = h("div", { class: "lfs-canvas", "aria-hidden": "true" });
  const element = h("div", { class: `lfs-plot ${name}` }, canvas);
  let width = 0; // for which it is drawn
  async function draw() {
    const code = await plotly(model);
    width = element.clientWidth;
    const found = width && figure();
    if (!found) return;
    if (!code) return canvas.replaceChildren(h("p", { class: "lfs-hint" }, NO_PLOTLY));
    const axes = Object.entries(found.layout).filter(([key]) => /^[xy]axis/.test(key));
    const own = Object.fromEntries(axes.map(([key, axis]) => [key, { ...AXIS, ...axis }]));
    const layout = { ...BARE, ...found.layout, ...own, width };
    const drawn = await code.react(canvas, found.data, layout, { displayModeBar: false });
    drawn.removeAllListeners("plotly_click");
    drawn.on("plotly_click", ({ points }) => clicked(points[0].customdata));
  }
  new ResizeObserver(() => element.clientWidth !== width && draw()).observe(element);
  return { element, draw };
}
