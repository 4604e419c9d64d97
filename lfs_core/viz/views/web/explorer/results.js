// What was retrieved, in tabs: the most similar, all of the query's class, or the whole ranking.

/** @import { Answer, Question } from "../common/types.d.ts" */
/** @import { App, Hit, Opened } from "./types.d.ts" */

import { alarm, button, h, moveWithArrows, title } from "../common/elements.js";
import { pager } from "../common/controls.js";
import { className, factsOfHit, isMarked, isRight, likeness, verdict } from "./classes.js";
import { ranking } from "./ranking.js";

/**
 * A photograph that was retrieved; a click explains it.
 *
 * @param {App} app
 * @param {Hit} one
 * @param {Hit[]} hits among which it is
 */
function hitButton(app, one, hits) {
  const [item, rank, score] = one;
  const name = className(app, item);
  const facts = factsOfHit(app, one);
  const right = isRight(app, item);
  if (isMarked(app)) facts.push(right ? "right" : "other class");
  const said = likeness(app, score);
  const sure = said ? h("span", { class: "lfs-sure" }, `same: ${said}`) : null;
  return h(
    "button",
    {
      type: "button",
      class: `lfs-hit ${isMarked(app) ? (right ? "lfs-right" : "lfs-wrong") : ""}`,
      title: app.names[item],
      "aria-label": `${facts.join(", ")}: ${app.names[item]}. Explain.`,
      "data-item": item,
      onclick: () => app.explain(item, hits),
    },
    h("span", { class: "lfs-frame" }, app.shelf.image(item, app.names[item])),
    h("span", { class: "lfs-line" }, h("b", {}, rank), h("span", {}, score.toFixed(3))),
    sure,
    name ? h("span", { class: "lfs-class" }, name) : null,
    isMarked(app) ? h("span", { class: "lfs-mark" }, verdict(app, item)) : null,
  );
}

/** @type {(app: App, hits: Hit[], label: string) => HTMLElement} */
function grid(app, hits, label) {
  const group = h("div", { class: "lfs-grid", role: "group", "aria-label": label });
  group.append(...hits.map((one) => hitButton(app, one, hits)));
  moveWithArrows(group, ".lfs-hit");
  return group;
}

/** @type {(app: App, opened: Opened) => HTMLElement[]} */
function extremes(app, { nearest, farthest, ranks }) {
  /** @type {Hit[]} */
  const top = nearest.map(([item, score], k) => [item, k + 1, score]);
  /** @type {Hit[]} */
  const bottom = farthest.map(([item, score], k) => [item, ranks - k, score]);
  const means = h("p", { class: "lfs-hint" }, app.contents.sameMeans);
  const most = [title(`The ${top.length} most similar`), grid(app, top, "Most similar"), means];
  if (!bottom.length) return most;
  const least = title(`The ${bottom.length} least similar, least first`);
  return [...most, least, grid(app, bottom, "Least similar")];
}

/** @param {App} app */
export function resultTabs(app) {
  const { contents, uid } = app;
  const names = { top: `Top ${contents.top}`, answers: "Answers", ranking: "Ranking" };
  let tab = "top";
  const panel = h("div", { role: "tabpanel", id: `${uid}-panel`, class: "lfs-panel", tabindex: 0 });
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
    show();
  }

  /** @param {string} key */
  function markTab(key) {
    for (const one of tabs.querySelectorAll("button")) {
      const selected = one.dataset.tab === key;
      one.setAttribute("aria-selected", String(selected));
      one.tabIndex = selected ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `${uid}-${key}`);
  }

  /**
   * Asks, and shows the answer unless the reader has gone on meanwhile.
   *
   * @param {Question} question
   * @param {(answer: Answer) => (Node | string)[]} content
   */
  async function fill(question, content) {
    const [askedQuery, askedTab] = [app.query, tab];
    const answer = await app.ask(...question);
    if (askedQuery !== app.query || askedTab !== tab) return;
    panel.replaceChildren(...(answer.problem ? [alarm(answer.problem)] : content(answer)));
  }

  /** @type {(opened: Opened, start: number) => unknown} */
  function showAnswers(opened, start) {
    if (opened.label === null) return panel.replaceChildren(h("p", {}, opened.worth));
    const all = title(`All others of class ${contents.classNames[opened.label]}`);
    return fill(["answers", app.query], ({ hits }) => [
      all,
      pager(start, contents.page, hits.length, (next) => showAnswers(opened, next)),
      grid(app, hits.slice(start, start + contents.page), "Photographs of the query's class"),
    ]);
  }

  /** @type {(opened: Opened, start: number) => unknown} */
  function showRanking(opened, start) {
    return fill(["ranking", app.query, start], ({ hits }) => {
      /** @type {Hit[]} */
      const ranked = hits.map((/** @type {[number, number]} */ [item, score], /** @type {number} */ k) =>
        [item, start + k + 1, score]);
      const turn = pager(start, contents.ranksAtOnce, opened.ranks, (next) =>
        showRanking(opened, next),
      );
      return ranking(app, ranked, opened.ranks > contents.ranksAtOnce ? turn : "");
    });
  }

  function show() {
    markTab(tab);
    if (!app.opened) panel.replaceChildren();
    else if (tab === "top") panel.replaceChildren(...extremes(app, app.opened));
    else if (tab === "answers") showAnswers(app.opened, 0);
    else showRanking(app.opened, 0);
  }

  return { tabs, panel, show };
}
