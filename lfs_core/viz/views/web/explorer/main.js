// The retrieval explorer's view. Python answers its questions, or, in a page without Python, a
// table of answers made in advance.

/** @import { Place } from "../common/types.d.ts" */
/** @import { App, Contents, Opened } from "./types.d.ts" */

import { asker, remembering } from "../common/asking.js";
import { checkbox, turning } from "../common/controls.js";
import { alarm, h } from "../common/elements.js";
import { head } from "./head.js";
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
    askOf,
    explain: (chosen, hits) => pair.open(chosen, hits),
  };
  const header = h("div", { class: "lfs-head" });
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
    if (app.opened && item < contents.photographs) {
      list.precisions.set(item, app.opened.precision);
    }
    const choosing = header.querySelector(".lfs-boxes :focus");
    header.replaceChildren(
      ...(app.opened ? head(app, app.opened) : [alarm(problem)]),
    );
    const current = header.querySelector('.lfs-boxes [aria-current="true"]');
    if (choosing && current instanceof HTMLElement) current.focus();
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

  const bar = h(
    "div",
    { class: "lfs-bar", role: "group", "aria-label": "Query" },
    ...place.elements,
    square,
  );
  const main = [bar, note, header, results.tabs, results.panel, scope(contents)];
  const columns = [list.element, h("div", { class: "lfs-main" }, ...main)];
  app.root.append(h("div", { class: "lfs-columns" }, ...columns), pair.dialog);
  el.append(app.root);
  open(contents.entries[0]).then(() => askPrecisions(app, list));
  return () => {
    stop();
    app.root.remove();
  };
}

/**
 * Where the query stands in its list, and buttons that lead to the ones before and after it.
 *
 * @param {App} app
 * @param {() => { items: number[], isGuest: boolean }} current
 */
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

/** @param {Contents} contents what a page without Python does not hold */
function scope({ live, entries, photographs, pictures = {} }) {
  if (live) return null;
  const problems = Object.values(pictures).flatMap(({ problem }) => problem ?? []);
  const text =
    `${entries.length} queries of a gallery of ${photographs} photographs; live, in JupyterLab, ` +
    "all of them can be asked.";
  const alert = problems.length ? alarm([...new Set(problems)].join(" ")) : null;
  return h("div", {}, alert, h("p", { class: "lfs-hint" }, text));
}

/** @type {(app: App, list: ReturnType<typeof photographList>) => Promise<void>} the AP of all */
async function askPrecisions({ ask, contents }, list) {
  if (!contents.live) return; // they are in the page's answers
  const { precisions = {} } = await ask("precisions");
  for (const [item, ap] of Object.entries(precisions)) list.precisions.set(Number(item), ap);
  list.show();
}

export default { render };
