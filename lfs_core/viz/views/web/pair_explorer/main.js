// The pair explorer's view. It asks its model by setting "request" and hears "response"; the model
// is a widget with Python behind it, or, in a page, a table of answers made in advance.

/** @import { Ask, Model, Place } from "../common/types.d.ts" */
/** @import { App, Choice, Contents, Shown } from "./types.d.ts" */

import { asker, patience, tableModel } from "../common/asking.js";
import { bytes } from "../common/bytes.js";
import { h } from "../common/elements.js";
import { eachPage } from "../common/pages.js";
import { doubtsPart } from "./doubts.js";
import { latentPart } from "./latents.js";
import { matchingPart } from "./matching.js";
import { pairChoice, photographChoice } from "./photographs.js";
import { pictures } from "./pictures.js";
import { load, remembering } from "./questions.js";
import { saving } from "./saving.js";
import { settings } from "./settings.js";
import { sentence } from "./words.js";

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const waiting = patience(model, contents.live);
  const { ask, stop } = asker(model, waiting.busy);
  const alert = h("p", { role: "alert", class: "lfs-alert" });
  const headline = h("p", { role: "status", class: "lfs-headline" });
  const app = makeApp(model, ask);
  /** @type {(shown: Shown) => void} */
  const show = (shown) => {
    headline.replaceChildren(...sentence(contents, shown));
    for (const part of [top, maps, matching, latents, doubts]) part.draw(shown);
  };
  app.update = updater(app, alert, show);
  const top = contents.live ? photographChoice(app, alert) : pairChoice(app);
  const maps = pictures(app);
  const matching = matchingPart(app);
  const latents = latentPart(app);
  const doubts = doubtsPart(app);
  const root = h(
    "div",
    { class: "lfs-view lfs-pair-explorer" },
    top.element,
    settings(app, maps.redraw),
    waiting.note,
    alert,
    headline,
    doubts.element,
    maps.element,
    maps.readout,
    matching.element,
    latents.element,
    saving(app, headline, alert),
    contents.live ? null : invitation(),
  );
  el.append(root);
  app.update();
  return () => {
    stop();
    waiting.stop();
    root.remove();
  };
}

const invitation = () =>
  h("p", { class: "lfs-hint" }, "With your own photographs: ", h("code", {}, "make lab"));

/**
 * @param {Contents} contents
 * @returns {Choice}
 */
function firstChoice({ networks, pairs, first, p, threshold }) {
  const [{ methods, decoders }] = networks;
  return {
    network: 0,
    items: pairs?.[first ?? 0] ?? [0, 1],
    parts: [null, null],
    method: methods[0],
    decoder: Object.keys(decoders)[0] ?? "",
    p,
    threshold,
    latent: null,
  };
}

/**
 * @param {Model} model
 * @param {Ask} ask
 * @returns {App}
 */
function makeApp(model, ask) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const colours = bytes(contents.colours.inferno);
  const how = { colours, threshold: contents.mapThreshold, opacity: 0.65, apart: false };
  const choice = firstChoice(contents);
  const [know, update] = [remembering(ask), async () => {}];
  return { model, contents, choice, how, shown: null, ask, know, update };
}

/**
 * One thing after the other: while something is asked, the reader's last wish replaces others.
 *
 * @param {App} app
 * @param {HTMLElement} alert
 * @param {(shown: Shown) => void} show
 */
function updater(app, alert, show) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      const answer = await load(app);
      if (again) continue;
      alert.textContent = "problem" in answer ? answer.problem : "";
      if ("problem" in answer) continue;
      app.shown = answer;
      app.choice.parts = answer.choice.parts;
      show(answer);
    }
    running = false;
  };
}

/** Shows the explorers that wait in a page. */
export function showPages() {
  eachPage("pair_explorer", render, tableModel);
}

export default { render };
