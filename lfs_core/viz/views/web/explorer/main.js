// The retrieval explorer's view. Python answers its questions, or, in a page without Python, a
// table of answers made in advance.

/** @import { Place } from "../common/types.d.ts" */
/** @import { App, Contents, Opened } from "./types.d.ts" */

import { asker, remembering } from "../common/asking.js";
import { checkbox, turning } from "../common/controls.js";
import { alarm, h, write } from "../common/elements.js";
import { faceChooser } from "../common/faces.js";
import { photographList } from "./list.js";
import { pairPanel } from "./pair.js";
import { resultTabs } from "./results.js";
import { pictureShelf } from "./shelf.js";

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const { ask, note, stop } = asker(model);
  /** @type {App} */
  const app = {
    model,
    contents,
    names: { ...contents.names }, // and those of uploads
    uid: `lfs-${`${Math.random()}`.slice(2)}`,
    root: h("div", { class: "lfs-view lfs-explorer" }),
    ask,
    know: remembering(ask),
    shelf: pictureShelf(contents, ask),
    query: contents.entries[0],
    opened: null,
    square: false,
    open,
    explain: (hit) => pair.open(hit),
  };
  const header = h("div", { class: "lfs-head" });
  const faces = faceChooser("Face of the query", contents.live ? askOf : null);
  const results = resultTabs(app);
  const list = photographList(app, () => place.show());
  const place = whereabouts(app, list.current);
  const pair = pairPanel(app);
  const square = checkbox("Keep proportions", true, (checked) => {
    app.square = !checked;
    app.root.classList.toggle("lfs-square", app.square);
    pair.draw();
  });

  /** @param {number} item */
  async function open(item) {
    app.query = item;
    list.show();
    place.show();
    const { problem, ...answer } = await ask("open", item);
    if (item !== app.query) return; // the reader has gone on
    app.opened = problem ? null : /** @type {Opened} */ (answer);
    write(header, answer.head ?? "");
    if (problem) header.append(alarm(problem));
    app.shelf.fill(header);
    faces.show(answer.faces ?? null, answer.photograph, answer.face);
    if (app.opened && item < contents.photographs) list.precisions.set(item, answer.precision);
    list.show();
    results.show();
  }

  /** @param {number} face */
  async function askOf(face) {
    const { problem, item, name } = await ask("face", app.query, face);
    if (problem) return header.append(alarm(problem));
    list.welcome(item, name);
    await open(item);
  }

  const properties = { class: "lfs-bar", role: "group", "aria-label": "Query" };
  const bar = h("div", properties, ...place.elements, square);
  const { problems = "", scope } = contents; // of a page without Python
  const limits = scope ? [alarm(problems), h("p", { class: "lfs-hint" }, scope)] : [];
  const main = [bar, note, header, faces.element, results.tabs, results.panel, ...limits];
  const columns = [list.element, h("div", { class: "lfs-main" }, ...main)];
  app.root.append(h("div", { class: "lfs-columns" }, ...columns), pair.dialog);
  el.append(app.root);
  open(contents.entries[0]).then(async () => {
    const { precisions = {} } = contents.live ? await ask("precisions") : {};
    for (const [item, ap] of Object.entries(precisions)) list.precisions.set(Number(item), ap);
    list.show();
  });
  return () => {
    stop();
    app.root.remove();
  };
}

// Where the query stands in its list, and buttons that lead to the ones before and after it.
/** @param {App} app @param {() => { items: number[], isGuest: boolean }} current */
function whereabouts(app, current) {
  const output = h("output", { class: "lfs-place" });
  const turn = turning((by) => {
    const { items } = current();
    const at = items.indexOf(app.query);
    const target = items[at < 0 ? 0 : at + by];
    if (target !== undefined) app.open(target);
  });
  function show() {
    const { items, isGuest } = current();
    const at = items.indexOf(app.query);
    const kind = isGuest ? " of your images" : "";
    output.textContent = `${at < 0 ? "\u2013" : at + 1} / ${items.length}${kind}`;
    turn.show(at, items.length);
  }
  return { elements: [turn.back, output, turn.on], show };
}

export default { render };
