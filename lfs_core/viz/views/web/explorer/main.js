// The retrieval explorer's view. It asks its model by setting "request" and hears "response"; the
// model is a widget with Python behind it, or, in a page, a table of answers made in advance.

/** @import { Answer, Ask, Model, Place } from "../common/types.d.ts" */
/** @import { App, Contents, Opened } from "./types.d.ts" */

import { asker, patience, tableModel } from "../common/asking.js";
import { checkbox } from "../common/controls.js";
import { button, enable, h } from "../common/elements.js";
import { eachPage } from "../common/pages.js";
import { head } from "./head.js";
import { photographList } from "./list.js";
import { pairPanel } from "./pair.js";
import { resultTabs } from "./results.js";
import { pictureShelf } from "./shelf.js";

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const waiting = patience(model, contents.live);
  const { ask, askLater, stop } = asker(model, waiting.busy);
  const app = makeApp(model, remembering(ask), askLater);
  const header = h("div", { class: "lfs-head" });
  const results = resultTabs(app);
  const list = photographList(app, () => place.show());
  const place = whereabouts(app, list.current);
  const pair = pairPanel(app);
  app.explain = pair.open;
  const square = checkbox("Keep proportions", true, (checked) => {
    app.square = !checked;
    app.root.classList.toggle("lfs-square", app.square);
    pair.draw();
  });

  app.open = async (item) => {
    app.query = item;
    app.shelf.forget();
    list.show();
    place.show();
    const { problem, ...answer } = await ask("open", item);
    if (item !== app.query) return; // the reader has gone on
    app.opened = problem ? null : /** @type {Opened} */ (answer);
    if (app.opened && item < contents.photographs) {
      list.precisions.set(item, app.opened.precision);
    }
    const choosing = header.querySelector(".lfs-boxes :focus");
    header.replaceChildren(
      ...(app.opened
        ? head(app, app.opened)
        : [h("p", { role: "alert", class: "lfs-alert" }, problem)]),
    );
    const current = header.querySelector('.lfs-boxes [aria-current="true"]');
    if (choosing && current instanceof HTMLElement) current.focus();
    list.show();
    results.show();
  };

  app.askOf = async (face) => {
    const { problem, item, name } = await ask("face", app.query, face);
    if (problem) header.append(h("p", { role: "alert", class: "lfs-alert" }, problem));
    else {
      list.welcome(item, name);
      await app.open(item);
    }
  };

  const bar = h(
    "div",
    { class: "lfs-bar", role: "group", "aria-label": "Query" },
    ...place.elements,
    square,
  );
  const main = [bar, waiting.note, header, results.tabs, results.panel, scope(contents)];
  const columns = [list.element, h("div", { class: "lfs-main" }, ...main)];
  app.root.append(h("div", { class: "lfs-columns" }, ...columns), pair.dialog);
  el.append(app.root);
  app.open(contents.entries[0]).then(() => askPrecisions(app, list));
  return () => {
    stop();
    waiting.stop();
    app.root.remove();
  };
}

/**
 * @param {Model} model
 * @param {Ask} ask
 * @param {Ask} askLater
 * @returns {App}
 */
function makeApp(model, ask, askLater) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const root = h("div", { class: "lfs-view lfs-explorer" });
  return {
    model,
    contents,
    names: { ...contents.names }, // and those of uploads
    uid: `lfs-${`${Math.random()}`.slice(2)}`,
    root,
    ask,
    askLater,
    shelf: pictureShelf(root, contents, ask, askLater),
    query: contents.entries[0],
    opened: null,
    square: false,
    open: async () => {},
    askOf: async () => {},
    explain: () => {},
  };
}

/**
 * Asks for latents once; they do not change.
 *
 * @param {Ask} ask
 * @returns {Ask}
 */
function remembering(ask) {
  /** @type {Map<string, Promise<Answer>>} */
  const known = new Map();
  return (...question) => {
    if (question[0] !== "latents") return ask(...question);
    const key = question.join();
    const answer = known.get(key) ?? ask(...question);
    known.set(key, answer);
    return answer;
  };
}

/**
 * Where the query stands in its list, and buttons that lead to those beside it.
 *
 * @param {App} app
 * @param {() => { items: number[], isGuest: boolean }} current
 */
function whereabouts(app, current) {
  const output = h("output", { class: "lfs-place" });
  const previous = button("\u2039 Previous", () => step(-1));
  const next = button("Next \u203a", () => step(1));
  /** @param {number} by */
  function step(by) {
    const { items } = current();
    const at = items.indexOf(app.query);
    const target = items[at < 0 ? 0 : at + by];
    if (target !== undefined) app.open(target);
  }
  function show() {
    const { items, isGuest } = current();
    const at = items.indexOf(app.query);
    const kind = isGuest ? " of your images" : "";
    output.textContent = `${at < 0 ? "\u2013" : at + 1} / ${items.length}${kind}`;
    enable(previous, items.length > 0 && at !== 0, next);
    enable(next, items.length > 0 && at !== items.length - 1, previous);
  }
  return { elements: [previous, output, next], show };
}

/**
 * What a page without Python does not hold.
 *
 * @param {Contents} contents
 */
function scope({ live, entries, photographs, pictures = {} }) {
  if (live) return null;
  const problems = Object.values(pictures).flatMap(({ problem }) => problem ?? []);
  const text =
    `${entries.length} queries of a gallery of ${photographs} photographs; live, in JupyterLab, ` +
    "all of them can be asked.";
  const alert = problems.length
    ? h("p", { role: "alert", class: "lfs-alert" }, [...new Set(problems)].join(" "))
    : null;
  return h("div", {}, alert, h("p", { class: "lfs-hint" }, text));
}

/**
 * The AP of all photographs, when it is known.
 *
 * @param {App} app
 * @param {ReturnType<typeof photographList>} list
 */
async function askPrecisions({ askLater, contents }, list) {
  if (!contents.live) return; // they are in the page's answers
  const { precisions = {} } = await askLater("precisions");
  for (const [item, ap] of Object.entries(precisions)) list.precisions.set(Number(item), ap);
  list.show();
}

/** Shows the explorers that wait in a page. */
export function showPages() {
  eachPage("explorer", render, tableModel);
}

export default { render };
