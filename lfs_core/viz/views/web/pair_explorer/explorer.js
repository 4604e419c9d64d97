// The pair explorer. Python answers its questions; or, in a page without Python, a table of answers
// made in advance, or networks that run in the page.

/** @import { Child, Place } from "../common/types.d.ts" */
/** @import { App, Choice, Contents, Shown, Taking } from "./types.d.ts" */

import { asker, remembering } from "../common/asking.js";
import { bytes } from "../common/bytes.js";
import { alarm, asNode, h } from "../common/elements.js";
import { sentence } from "../common/pairs.js";
import { doubtsPart } from "./doubts.js";
import { latentPart } from "./latents.js";
import { mapsPart, thresholdInWords } from "./maps.js";
import { matchingPart } from "./matching.js";
import { pairChoice, photographChoice } from "./photographs.js";
import { load } from "./questions.js";
import { saving } from "./saving.js";
import { settings } from "./settings.js";

/**
 * @param {Place} place
 * @param {(app: App, taking: Taking) => Child} [more] further ways to bring photographs
 */
export function pairExplorer({ model, el }, more) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const { ask, note, stop } = asker(model);
  const alert = alarm();
  const headline = h("p", { role: "status", class: "lfs-headline" });
  const colours = bytes(contents.colours.inferno);
  /** @type {App} */
  const app = {
    model,
    contents,
    choice: firstChoice(contents),
    how: { colours, threshold: contents.mapThreshold, opacity: 0.65, apart: false },
    shown: null,
    ask,
    know: remembering(ask),
    update: updater(() => app, alert, show),
  };
  const photographs = contents.live ? photographChoice(app, alert) : null;
  const top = photographs ?? pairChoice(app);
  const [maps, matching, latents, doubts] = [mapsPart(app), matchingPart(app), latentPart(app), doubtsPart(app)];
  /** @param {Shown} shown */
  function show({ pair, choice }) {
    const { name } = contents.networks[choice.network];
    const threshold = thresholdInWords(contents, choice.threshold);
    headline.replaceChildren(...sentence(name, pair, threshold).map(asNode));
    for (const part of [top, maps, matching, latents, doubts]) part.draw(/** @type {Shown} */ (app.shown));
  }
  const root = h(
    "div",
    { class: "lfs-view lfs-pair-explorer" },
    top.element,
    photographs && more?.(app, photographs),
    settings(app, maps.redraw),
    note,
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
  return () => {
    stop();
    root.remove();
  };
}

/** How to explain other photographs: live, and where the book's list of pages leads to, there. */
function invitation() {
  const page = document.querySelector('a[href$="try_it.html"]')?.getAttribute("href");
  const link = page ? [h("a", { href: page }, "Try it"), " or "] : [];
  const live = h("code", {}, "make lab");
  return h("p", { class: "lfs-hint" }, "With your own photographs: ", ...link, live);
}

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
 * One thing after the other: while something is asked, the reader's last wish replaces others.
 *
 * @param {() => App} get the app
 * @param {HTMLElement} alert
 * @param {(shown: Shown) => void} show
 */
function updater(get, alert, show) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    get().model.hurry?.();
    if (running) return;
    running = true;
    while (again) {
      again = false;
      const app = get();
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
