// Charts drawn by Plotly. Their text and lines take the view's colours from its style.

/** @import { Drawing, Model } from "./types.d.ts" */

import { h } from "./elements.js";
import { plotly } from "./plotly.js";

const NO_PLOTLY =
  "The chart is drawn where plotly.js is available: in the book, in saved pages, and by Python.";

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
    const layout = { ...structuredClone(found.layout), width }; // Plotly writes into it
    const drawn = await code.react(canvas, found.data, layout, { displayModeBar: false });
    drawn.removeAllListeners("plotly_click");
    drawn.on("plotly_click", ({ points }) => clicked(points[0].customdata));
  }
  new ResizeObserver(() => element.clientWidth !== width && draw()).observe(element);
  return { element, draw };
}
