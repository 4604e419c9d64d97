// A pair and its explanation, in a dialog.

/** @import { Pictured } from "../common/types.d.ts" */
/** @import { App, Explained } from "./types.d.ts" */

import { remembering } from "../common/asking.js";
import { bytes, decimals, inflate } from "../common/bytes.js";
import { layering, turning } from "../common/controls.js";
import { alarm, asNode, button, h, title } from "../common/elements.js";
import { colourBar, drawMap, within } from "../common/maps.js";
import { decision, doubtsBox, sentence } from "../common/pairs.js";
import { twoPictures } from "../common/pictures.js";

const PART = 160; // px, longest side of a picture of matched parts
const WORDS =
  "Bright places are evidence for a match together with places of the other photograph, each " +
  "relative to the brightest of its photograph.";

/** @param {App} app */
export function pairPanel(app) {
  const { uid, shelf } = app;
  const heading = h("p", { class: "lfs-title", id: `${uid}-title` });
  const body = h("div", { class: "lfs-body" });
  const turn = turning(go, " result");
  const closing = { class: "lfs-close", autofocus: true };
  const close = button("\u00d7 Close", () => dialog.close(), closing);
  const bar = h("div", { class: "lfs-bar" }, turn.back, turn.on, close);
  const properties = { class: "lfs-pair", "aria-labelledby": `${uid}-title` };
  const dialog = h("dialog", properties, bar, heading, body);
  const ask = remembering(async (/** @type {number} */ query, /** @type {number} */ item) => {
    const { problem, maps, matched, ...answer } = await app.ask("pair", query, item);
    if (problem) return /** @type {Explained} */ ({ problem });
    const steps = await Promise.all(maps.map(inflate));
    const parts = matched && (await Promise.all(matched.map(inflate)));
    return /** @type {Explained} */ ({ ...answer, steps, matched: parts });
  });
  const colours = bytes(app.contents.colours);
  /** The threshold is the explanation's own until the reader moves it. */
  const how = { colours, threshold: NaN, opacity: 0.65, apart: false };
  /** @type {HTMLElement | null} */
  let hit = null;
  let redraw = () => {};

  dialog.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!by || event.defaultPrevented || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    go(by);
  });
  dialog.addEventListener("close", () => (hit = null));

  /** @param {number} by */
  function go(by) {
    const next = by > 0 ? hit?.nextElementSibling : hit?.previousElementSibling;
    if (next instanceof HTMLElement) show(next);
  }

  /** @param {HTMLElement} chosen */
  async function show(chosen) {
    hit = chosen;
    redraw = () => {};
    const all = [...(hit.parentElement?.children ?? [])];
    turn.show(all.indexOf(hit), all.length);
    const [query, asked] = [app.query, app.opened?.name ?? ""];
    const { title: found, dataset: { item, rank, verdict } } = hit;
    const words = [`${asked} and ${found}`, `rank ${rank}`, verdict].filter(Boolean);
    heading.replaceChildren(asNode(words.join(", ")));
    body.replaceChildren(h("p", { role: "status", class: "lfs-busy" }, "explaining \u2026"));
    const answer = await ask(query, Number(item));
    const images = [await shelf.loaded(query), await shelf.loaded(Number(item))];
    if (hit !== chosen) return; // the reader has gone on
    if (answer.problem) return body.replaceChildren(alarm(answer.problem));
    if (Number.isNaN(how.threshold)) how.threshold = answer.mapThreshold;
    const pictures = twoPictures(how);
    redraw = () => pictures.show(pictured(app, answer, images, [asked, found]));
    redraw();
    const doubts = doubtsBox();
    doubts.show(answer.doubts);
    body.replaceChildren(
      h("p", {}, ...sentence("the network", answer, answer.threshold), ` Method: ${answer.method}.`),
      h("div", { class: "lfs-controls" }, ...layering(how, redraw)),
      doubts.element,
      ...(answer.outlines ? [h("p", { class: "lfs-hint" }, app.contents.outlined)] : []),
      pictures.element,
      colourBar(colours, `evidence for \u201c${decision(answer.similar)}\u201d`),
      pictures.readout,
      ...matchedParts(app, answer, images),
    );
  }

  return {
    dialog,
    /** @param {HTMLElement} chosen one of the results */
    open(chosen) {
      if (!dialog.open) dialog.showModal();
      show(chosen);
    },
    draw: () => redraw(),
  };
}

/** @type {(app: App, answer: Explained, images: (HTMLImageElement | null)[], names: string[]) => Pictured} */
function pictured(app, { similar, size, steps, ranges, outlines, method }, images, names) {
  const sides = images.map((image, side) => {
    const range = ranges[side].map((value) => decimals(value, 2)).join(" to ");
    return {
      image,
      steps: steps[side],
      label: `${names[side]} with the map of ${method}`,
      facts: (/** @type {string} */ share) => [`${share}; the map\u2019s values go from ${range}`],
      value: (/** @type {number} */ at) => decimals(steps[side][at] / 255, 2),
      outline: outlines?.[side],
    };
  });
  const called = ["Query", "Result"].map((role, side) => `${role}: ${names[side]}`);
  return { images, size, meaning: decision(similar), names: called, square: app.square, sides };
}

// Which part of the query a result matched, and which part of the result the query; nothing where
// the method does not tell.
/** @type {(app: App, answer: Explained, images: (HTMLImageElement | null)[]) => Node[]} */
function matchedParts(app, { matched, grid }, images) {
  if (!matched || !grid) return [];
  const colours = bytes(app.contents.colours);
  const [rows, columns] = grid;
  const how = { colours, threshold: 0.1, opacity: 0.65, apart: false };
  const figures = ["Query", "Result"].map((role, side) => {
    const [width, height] = within(PART, app.square ? null : images[side]);
    const label = `${role}: places that are evidence for a match with the other photograph`;
    const canvas = h("canvas", { role: "img", "aria-label": label });
    // Each place as it is, without shades between: it is taken away as a whole.
    const values = Float32Array.from({ length: width * height }, (_, k) => {
      const row = Math.floor((Math.floor(k / width) / height) * rows);
      return matched[side][row * columns + Math.floor(((k % width) / width) * columns)];
    });
    drawMap(canvas, images[side], values, [width, height], how);
    return h("figure", {}, canvas, h("figcaption", {}, role));
  });
  const properties = { class: "lfs-matched", "aria-label": "Which parts match" };
  const sides = h("div", { class: "lfs-sides" }, ...figures);
  const heading = title("Which part of the query matched");
  return [h("section", properties, heading, sides, h("p", { class: "lfs-hint" }, WORDS))];
}
