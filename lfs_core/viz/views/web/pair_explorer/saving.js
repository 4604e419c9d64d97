// What the reader takes along: a picture, or the whole explanation as a report or as numbers.

/** @import { App, Shown } from "./types.d.ts" */

import { button, h } from "../common/elements.js";
import { download } from "../common/files.js";
import { drawMap, enlarge, pen, within } from "../common/maps.js";
import { LARGE } from "../common/pictures.js";
import { highestOf, meaning, settingsInWords } from "./maps.js";
import { isDecoded, setting } from "./questions.js";

const FONT = "14px system-ui, sans-serif";
const MARGIN = 16; // px
const LINE = 20;
const WIDTH = 2 * LARGE + 3 * MARGIN;

/** @type {(context: CanvasRenderingContext2D, text: string, width: number) => string[]} */
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
 * Both photographs, each with its map below, and below them what is said about them.
 *
 * @type {(app: App, shown: Shown, headline: string) => HTMLCanvasElement}
 */
function drawn(app, shown, headline) {
  const { images, maps, photographs, size, doubts } = shown;
  const canvas = h("canvas", { width: WIDTH });
  const context = pen(canvas);
  context.font = FONT;
  const lines = [headline, `${settingsInWords(app, shown)}.`, ...doubts];
  const wrapped = lines.flatMap((text) => wrap(context, text, WIDTH - 2 * MARGIN));
  const tall = Math.max(...images.map((image) => within(LARGE, image)[1]));
  const below = 2 * tall + 3 * MARGIN + 3 * LINE;
  canvas.height = below + MARGIN + LINE * (wrapped.length - 1);
  context.font = FONT; // with a new height the canvas forgets it
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "black";
  images.forEach((image, side) => {
    const pixels = within(LARGE, image);
    const left = MARGIN + side * (LARGE + MARGIN);
    context.drawImage(image, left, MARGIN, ...pixels);
    const layer = h("canvas");
    drawMap(layer, image, enlarge(maps[side].relative, size, pixels), pixels, app.how, { alone: true });
    context.drawImage(layer, left, tall + 2 * MARGIN);
    const [name] = wrap(context, photographs[side].name, LARGE);
    const range = `0 to ${highestOf(shown, maps[side])}: ${meaning(shown)}`;
    [name, range].forEach((text, k) => context.fillText(text, left, below + (k - 2) * LINE));
  });
  wrapped.forEach((text, k) => context.fillText(text, MARGIN, below + k * LINE));
  return canvas;
}

/** @type {(app: App, headline: HTMLElement, alert: HTMLElement) => HTMLElement} */
export function saving(app, headline, alert) {
  const { choice, contents } = app;
  /** @param {string} kind */
  const fileName = (kind) => `pair-${choice.method}.${kind}`;
  function savePicture() {
    if (!app.shown) return;
    const canvas = drawn(app, app.shown, headline.textContent ?? "");
    canvas.toBlob((content) => content && download(fileName("png"), content), "image/png");
  }
  /** @param {string} kind */
  async function saveReport(kind) {
    if (!app.shown) return;
    const { method, decoder, p } = choice;
    const options = isDecoded(choice) ? [decoder, p] : ["", p];
    const answer = await app.ask("report", kind, method, ...options, ...setting(app.shown.choice));
    if (answer.problem) alert.textContent = answer.problem;
    else download(fileName(kind), new Blob([answer.text]));
  }
  const reports = ["html", "json"].map((kind) => button(kind.toUpperCase(), () => saveReport(kind)));
  return h(
    "div",
    { class: "lfs-bar", role: "group", "aria-label": "Save" },
    "Save as",
    button("PNG", savePicture),
    ...(contents.reports ? reports : []),
  );
}
