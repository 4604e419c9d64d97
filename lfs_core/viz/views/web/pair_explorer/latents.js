// The latents of both photographs as bars, and the choice of one whose map is shown alone.

/** @import { Drawing } from "../common/types.d.ts" */
/** @import { App, Contents, Latents, Part } from "./types.d.ts" */

import { decimals, digits } from "../common/bytes.js";
import { chart } from "../common/chart.js";
import { checkbox, chooser } from "../common/controls.js";
import { h } from "../common/elements.js";
import { DECODED, isDecoded } from "./questions.js";

const FEW = 32; // in the chart, unless all are wanted
const ORDERS = { R: "relevance", d: "difference", j: "number" };

/** @param {Latents} latents how far the embeddings reach from 0 */
const largestOf = ({ h: both }) => Math.max(...both.flat().map(Math.abs)) || 1;

/** @type {(latents: Latents) => [string, number[]][]} */
const strips = ({ h: [h1, h2], d, R }) => [["h\u00b9", h1], ["h\u00b2", h2], ["d", d], ["R", R]];

/**
 * Latents by their numbers from left to right; `at` is the place of the one that is chosen, or -1.
 *
 * @type {(contents: Contents, latents: Latents, numbers: number[], at: number) => Drawing}
 */
function filled({ bars }, latents, numbers, at) {
  const range = [-largestOf(latents), largestOf(latents)];
  const { yaxis1, yaxis2, ...layout } = bars.layout;
  const data = strips(latents).map(([, values], k) => ({
    ...bars.data[k],
    y: numbers.map((j) => values[j]),
    customdata: numbers.map((j) => j + 1),
  }));
  return {
    data,
    layout: {
      ...layout,
      yaxis: { ...yaxis1, range },
      yaxis2: { ...yaxis2, range },
      xaxis: { ...layout.xaxis, range: [-0.5, numbers.length - 0.5] },
      shapes: at < 0 ? [] : [{ ...bars.chosen, x0: at - 0.5, x1: at + 0.5 }],
    },
  };
}

/** @type {(app: App, latents: Latents) => string} the latent that is chosen, and its numbers */
function inWords({ contents, choice: { latent, ...choice } }, latents) {
  if (!isDecoded(choice)) return `Single latents are shown with ${contents.titles[DECODED]}.`;
  if (latent === null) return "The map is that of all latents. Move the slider, or click a bar, for one alone.";
  const read = strips(latents).map(([name, values]) => `${name} ${decimals(values[latent], 3)}`);
  return `Latent ${latent + 1}: ${read.join(", ")}`;
}

/**
 * @param {App} app
 * @returns {Part}
 */
export function latentPart(app) {
  const { choice } = app;
  let order = "R";
  let every = false;
  /** @type {number[]} those in the chart, in its order */
  let numbers = [];
  const place = () => (choice.latent === null ? -1 : numbers.indexOf(choice.latent));
  const chartOf = chart(
    app.model,
    "lfs-latent-bars",
    () => app.shown && filled(app.contents, app.shown.latents, numbers, place()),
    (latent) => choose(latent - 1),
  );
  // Its place in the chart, from 1; 0 for none.
  const pointer = h("input", { type: "range", min: 0, step: 1, "aria-label": "Latent whose map is shown" });
  pointer.addEventListener("input", () => choose(numbers[Number(pointer.value) - 1] ?? null));
  const facts = h("p", { role: "status" });
  const scale = h("p", { class: "lfs-hint" });
  const number = h("input", { type: "number", min: 1, step: 1 });
  number.addEventListener("change", () => number.checkValidity() && choose(Number(number.value) - 1));
  const orders = chooser("Order by", ORDERS, order, (chosen) => {
    order = chosen;
    draw();
  });
  const all = checkbox("Show all", every, (checked) => {
    every = checked;
    draw();
  });

  /** @param {number | null} latent */
  function choose(latent) {
    choice.latent = latent !== null && latent >= 0 && isDecoded(choice) ? latent : null;
    draw();
    app.update();
  }

  function draw() {
    if (!app.shown) return;
    const { latents } = app.shown;
    const by = order === "d" ? latents.d : latents.R;
    numbers = latents.R.map((_, j) => j);
    if (order !== "j") numbers.sort((a, b) => by[b] - by[a]);
    if (!every) numbers = numbers.slice(0, FEW);
    chartOf.draw();
    facts.textContent = inWords(app, latents);
    pointer.max = String(numbers.length);
    pointer.value = String(place() + 1);
    pointer.setAttribute("aria-valuetext", facts.textContent);
    number.max = String(latents.R.length);
    number.value = choice.latent === null ? "" : String(choice.latent + 1);
    number.disabled = pointer.disabled = !isDecoded(choice);
    const range = `h from \u2212${digits(largestOf(latents))} to ${digits(largestOf(latents))}`;
    scale.textContent =
      `${numbers.length} of ${latents.R.length} latents. ${range}, d and R from 0 to 1.`;
  }

  const controls = h(
    "div",
    { class: "lfs-controls" },
    h("span", { class: "lfs-title" }, "Latents"),
    orders,
    all,
    h("label", {}, "Latent number ", number),
  );
  const properties = { class: "lfs-latent-part", "aria-label": "Latents" };
  return { element: h("section", properties, controls, chartOf.element, pointer, scale, facts), draw };
}
