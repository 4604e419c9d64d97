// The latents of both photographs, and the choice of one whose map is shown alone.

/** @import { App, Latents, Part } from "./types.d.ts" */

import { checkbox, chooser } from "../common/controls.js";
import { button, h } from "../common/elements.js";
import { digits } from "../common/numbers.js";
import { largestOf, latentBars } from "./chart.js";
import { isDecoded } from "./questions.js";
import { latentInWords } from "./words.js";

const FEW = 32; // in the chart, unless all are wanted
const ORDERS = { R: "relevance", d: "difference", j: "number" };

/**
 * The numbers of latents, in the order of the chart.
 *
 * @param {Latents} latents
 * @param {string} order
 * @param {boolean} every
 */
function inOrder({ R, d }, order, every) {
  const numbers = R.map((_, j) => j);
  const by = order === "d" ? d : R;
  if (order !== "j") numbers.sort((a, b) => by[b] - by[a]);
  return every ? numbers : numbers.slice(0, FEW);
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} last
 */
function placeAfterKey(key, at, last) {
  /** @type {Record<string, number>} */
  const targets = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last };
  return key in targets ? Math.min(Math.max(targets[key], 0), last) : null;
}

/**
 * Which latents the chart shows, and in which order.
 *
 * @param {App} app
 * @param {() => void} redraw
 */
function chartSettings(app, redraw) {
  let order = "R";
  let every = false;
  const elements = [
    chooser("Order by", ORDERS, order, (chosen) => {
      order = chosen;
      redraw();
    }),
    checkbox("Show all", every, (checked) => {
      every = checked;
      redraw();
    }),
  ];
  const numbers = () => (app.shown ? inOrder(app.shown.latents, order, every) : []);
  return { elements, numbers };
}

/** @param {Latents} latents */
function scaleInWords(latents) {
  const largest = digits(largestOf(latents));
  const range = `h from \u2212${largest} to ${largest}, d and R from 0 to 1.`;
  return `${latents.R.length} latents. ${range}`;
}

/**
 * @param {App} app
 * @returns {Part}
 */
export function latentPart(app) {
  const { choice } = app;
  const { elements, numbers } = chartSettings(app, draw);
  const bars = latentBars(app.model, () => {
    const [shown, all] = [app.shown, numbers()];
    return shown && { latents: shown.latents, numbers: all, at: placeIn(all) };
  });
  const chart = bars.element;
  Object.assign(chart, { role: "slider", tabIndex: 0, ariaLabel: "Latent whose map is shown" });
  chart.dataset.lmSuppressShortcuts = "true"; // else JupyterLab would take its keys
  chart.addEventListener("keydown", stepBy);
  chart.addEventListener("click", pointAt);
  const facts = h("p", { role: "status" });
  const scale = h("p", { class: "lfs-hint" });
  const number = h("input", { type: "number", min: 1, step: 1, onchange: chooseNumber });
  const whole = button("Map of all latents", () => {
    choose(null);
    chart.focus();
  });

  /** @param {number[]} all */
  const placeIn = (all) => (choice.latent === null ? -1 : all.indexOf(choice.latent));

  /** @param {number | null} latent */
  function choose(latent) {
    if (!app.shown || (latent !== null && !isDecoded(choice))) return;
    choice.latent = latent;
    draw();
    app.update();
  }

  function chooseNumber() {
    const j = Number(number.value) - 1;
    const count = app.shown?.latents.R.length ?? 0;
    choose(number.value && Number.isInteger(j) && j >= 0 && j < count ? j : null);
  }

  /** @param {KeyboardEvent} event */
  function stepBy(event) {
    const all = numbers();
    const target = placeAfterKey(event.key, placeIn(all), all.length - 1);
    if (target === null || !all.length) return;
    event.preventDefault();
    choose(all[target]);
  }

  /** @param {MouseEvent} event */
  function pointAt({ clientX }) {
    const all = numbers();
    const at = bars.placeUnder(clientX, all.length);
    if (all[at] !== undefined) choose(all[at]);
  }

  function draw() {
    if (!app.shown) return;
    const { latents } = app.shown;
    const all = numbers();
    bars.draw();
    const words = latentInWords(app, latents);
    const said = { min: 0, max: all.length, now: placeIn(all) + 1, text: words };
    for (const [name, value] of Object.entries(said)) {
      chart.setAttribute(`aria-value${name}`, String(value));
    }
    number.max = String(latents.R.length);
    number.value = choice.latent === null ? "" : String(choice.latent + 1);
    number.disabled = !isDecoded(choice);
    whole.disabled = choice.latent === null;
    facts.textContent = words;
    scale.textContent = `${all.length} of ${scaleInWords(latents)}`;
  }

  const controls = h(
    "div",
    { class: "lfs-controls" },
    h("span", { class: "lfs-title" }, "Latents"),
    ...elements,
    h("label", {}, "Latent number ", number),
    whole,
  );
  const properties = { class: "lfs-latent-part", "aria-label": "Latents" };
  return { element: h("section", properties, controls, chart, scale, facts), draw };
}
