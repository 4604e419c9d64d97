// What the reader takes along: a picture, or the whole explanation as a report or as numbers.

/** @import { App, Shown } from "./types.d.ts" */

import { button, h } from "../common/elements.js";
import { download } from "../common/files.js";
import { drawAlone, drawMap, enlarge, pen } from "../common/maps.js";
import { LARGE, sizeOf } from "./pictures.js";
import { isDecoded, setting } from "./questions.js";
import { highestOf, meaning, settingsInWords } from "./words.js";

const FONT = "14px system-ui, sans-serif";
const MARGIN = 16; // px
const LINE = 20;

/**
 * Breaks a text into lines that are not wider.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 */
function wrap(context, text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    const longer = `${last} ${word}`.trim();
    const fits = context.measureText(longer).width <= width || !last;
    lines.splice(fits ? -1 : lines.length, 1, fits ? longer : word);
  }
  return lines;
}

/**
 * Draws a photograph, its map below, and below it what it is; `tall` is the higher photograph.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {App} app
 * @param {Shown} shown
 * @param {number} side
 * @param {number} tall
 */
function drawSide(context, { how }, shown, side, tall) {
  const [image, map] = [shown.images[side], shown.maps[side]];
  const [width, height] = sizeOf(image);
  const left = MARGIN + side * (LARGE + MARGIN);
  context.drawImage(image, left, MARGIN, width, height);
  const layer = h("canvas", { width, height });
  const values = enlarge(map.relative, shown.size, width, height);
  if (how.apart) drawAlone(pen(layer), 0, values, width, height, how);
  else drawMap(layer, image, values, width, height, how);
  context.drawImage(layer, left, tall + 2 * MARGIN);
  const top = 2 * tall + 2 * MARGIN + LINE;
  const [name] = wrap(context, shown.photographs[side].name, LARGE);
  context.fillText(name, left, top);
  context.fillText(`0 to ${highestOf(shown, map)}: ${meaning(shown)}`, left, top + LINE);
}

/**
 * Both photographs, each with its map, and below them what is said about them.
 *
 * @param {App} app
 * @param {Shown} shown
 * @param {string} headline
 */
function drawn(app, shown, headline) {
  const canvas = h("canvas", { width: 2 * LARGE + 3 * MARGIN });
  const context = pen(canvas);
  context.font = FONT;
  const lines = [headline, `${settingsInWords(app, shown)}.`, ...shown.doubts];
  const wrapped = lines.flatMap((text) => wrap(context, text, 2 * LARGE + MARGIN));
  const tall = Math.max(...shown.images.map((image) => sizeOf(image)[1]));
  canvas.height = 2 * tall + 4 * MARGIN + LINE * (wrapped.length + 2);
  context.font = FONT; // with a new height the canvas forgets it
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "black";
  shown.images.forEach((_, side) => drawSide(context, app, shown, side, tall));
  const below = 2 * tall + 3 * MARGIN + 3 * LINE;
  wrapped.forEach((text, k) => context.fillText(text, MARGIN, below + k * LINE));
  return canvas;
}

/**
 * @param {App} app
 * @param {HTMLElement} headline
 * @param {HTMLElement} alert
 */
export function saving(app, headline, alert) {
  const { choice, contents } = app;
  /** @param {string} kind */
  const fileName = (kind) => `pair-${choice.method}.${kind}`;

  function savePicture() {
    if (!app.shown) return;
    const canvas = drawn(app, app.shown, headline.textContent ?? "");
    canvas.toBlob((content) => content && download(fileName("png"), content), "image/png");
  }

  /**
   * @param {string} kind
   * @param {string} type
   */
  async function saveReport(kind, type) {
    if (!app.shown) return;
    const { method, decoder, p } = choice;
    const options = isDecoded(choice) ? [decoder, p] : ["", p];
    const answer = await app.ask("report", kind, method, ...options, ...setting(app.shown.choice));
    if (answer.problem) alert.textContent = answer.problem;
    else download(fileName(kind), new Blob([answer.text], { type }));
  }

  const reports = [
    button("HTML", () => saveReport("html", "text/html")),
    button("JSON", () => saveReport("json", "application/json")),
  ];
  return h(
    "div",
    { class: "lfs-bar", role: "group", "aria-label": "Save" },
    h("span", {}, "Save as"),
    button("PNG", savePicture),
    ...(contents.live ? reports : []),
  );
}
