// What was retrieved, in tabs: the most similar, all of one class, the ranking. Python writes it.

/** @import { App } from "./types.d.ts" */

import { bytes, unzip } from "../common/bytes.js";
import { alarm, button, h, moveWithArrows, write } from "../common/elements.js";
import { pager } from "../common/controls.js";
import { lookAtOne } from "./ranking.js";

/** @param {App} app */
export function resultTabs(app) {
  const { contents, uid } = app;
  const names = { top: `Top ${contents.top}`, answers: "Answers", ranking: "Ranking" };
  let tab = "top";
  const panel = h("div", { role: "tabpanel", id: `${uid}-panel`, class: "lfs-panel", tabindex: 0 });
  panel.addEventListener("click", ({ target }) => {
    const hit = target instanceof Element ? target.closest(".lfs-hit") : null;
    if (hit instanceof HTMLElement) app.explain(hit);
  });
  const tabs = h(
    "div",
    { role: "tablist", class: "lfs-tabs", "aria-label": "What to show of the answer" },
    ...Object.entries(names).map(([key, text]) =>
      button(text, () => choose(key), {
        role: "tab",
        id: `${uid}-${key}`,
        "data-tab": key,
        "aria-controls": `${uid}-panel`,
      }),
    ),
  );
  moveWithArrows(tabs, "[role=tab]", (chosen) => chosen.click());

  /** @param {string} key */
  function choose(key) {
    tab = key;
    for (const one of tabs.querySelectorAll("button")) {
      const selected = one.dataset.tab === key;
      one.setAttribute("aria-selected", String(selected));
      one.tabIndex = selected ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `${uid}-${key}`);
    show();
  }

  /** Asks, and shows the answer unless the reader has gone on meanwhile. */
  async function show(start = 0) {
    if (!app.opened) return panel.replaceChildren();
    const [query, asked] = [app.query, tab];
    panel.inert = true; // until the answer is there, the panel shows that of an earlier question
    const { problem, html, total, size } = await app.ask(tab, query, start);
    const inflated = problem ? "" : new TextDecoder().decode(await unzip(bytes(html)));
    if (query !== app.query || asked !== tab) return;
    panel.inert = false;
    if (problem) return panel.replaceChildren(alarm(problem));
    write(panel, inflated);
    app.shelf.fill(panel);
    for (const group of panel.querySelectorAll("div[role=group]")) {
      moveWithArrows(/** @type {HTMLElement} */ (group), "button");
    }
    if (total) panel.firstElementChild?.after(pager(start, size, total, show));
    if (asked === "ranking") lookAtOne(app, panel);
  }

  choose(tab);
  return { tabs, panel, show: () => show() };
}
