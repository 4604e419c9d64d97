// The query, and what the gallery's answer is worth.

/** @import { App, Opened } from "./types.d.ts" */

import { h, title } from "../common/elements.js";
import { faceChooser } from "../common/faces.js";
import { className, isMarked, isRight } from "./classes.js";

/**
 * The ranks that are right.
 *
 * @param {App} app
 * @param {Opened} opened
 */
function strip(app, { nearest }) {
  if (!isMarked(app)) return null;
  const right = nearest.map(([item]) => isRight(app, item));
  const ranks = right.flatMap((is, k) => (is ? [k + 1] : [])).join(", ");
  return h(
    "div",
    { class: "lfs-strip", role: "img", "aria-label": `Right at ranks: ${ranks || "none"}.` },
    ...right.map((is) => h("span", { class: is ? "lfs-right" : "" })),
  );
}

/**
 * The faces of the query, if it is the reader's own and shows several.
 *
 * @param {App} app
 * @param {Opened} opened
 */
function faceChoice(app, { faces, face, photograph }) {
  /** @param {number} k */
  const choose = (k) => app.askOf(k);
  const { element, show } = faceChooser("Face of the query", app.contents.live ? choose : null);
  show(faces, photograph, face);
  return element;
}

/**
 * @param {App} app
 * @param {Opened} opened
 */
export function head(app, opened) {
  const { contents, names, query, shelf } = app;
  const { position } = opened;
  const name = position === null ? "" : className(app, position);
  const twin = query >= contents.photographs && position !== null;
  return [
    h("span", { class: "lfs-frame" }, shelf.image(query, `The query, ${opened.name}`)),
    h(
      "div",
      {},
      title(opened.name),
      name ? h("p", {}, `class ${name}`) : null,
      twin ? h("p", {}, `The gallery holds it, as ${names[position]}.`) : null,
      h("p", { class: "lfs-headline", role: "status" }, opened.worth),
      strip(app, opened),
      faceChoice(app, opened),
    ),
  ];
}
