// Two photographs side by side: the most confident matches as lines, and what answers a place.

/** @import { Kind, Match, Matrices, Photograph, Region, Told } from "./types.d.ts" */

import { withSign } from "../common/bytes.js";
import { chooser } from "../common/controls.js";
import { button, h, moveWithArrows, title } from "../common/elements.js";
import { SIDES } from "../common/pictures.js";
import { answerTo, cellOf, matchesOf, placesIn, readMatrices } from "./answers.js";
import { badge, joinedPlaces, vector } from "./drawing.js";
import { matchPicture } from "./picture.js";
import { answerOf, matchInWords, overview } from "./words.js";

const HOW =
  "Point at a place, or use arrow keys on a photograph, to see what answers it in the other. " +
  "Drag over a region, or hold Shift with the arrow keys, to ask about several places.";
const KINDS = { matches: "what both say together", likeness: "how alike the places are" };

/**
 * @param {Told} told
 * @param {Photograph[]} photographs
 */
export function matchBoard(told, photographs) {
  const matrices = readMatrices(told);
  /** @type {Region | null} */
  let region = null;
  /** @type {Kind} */
  let kind = "matches";
  const pictures = photographs.map((one, side) => matchPicture(told, side, one, () => region, ask));
  const lines = vector("100 100");
  const numbers = h("div", {});
  const scale = h("div", { class: "lfs-scale lfs-match-scale" });
  const readout = h("p", { role: "status", class: "lfs-match-answer" });
  const again = button("Show the lines again", () => {
    ask(null);
    pictures[0].focus();
  });
  const kinds = chooser("Colours show", KINDS, kind, (chosen) => {
    kind = /** @type {Kind} */ (chosen);
    draw();
  });
  const list = matchList(told, (match) => {
    const cell = cellOf(match[0], told);
    ask({ side: 0, from: cell, to: cell });
  });

  /** @param {Region | null} asked */
  function ask(asked) {
    if (JSON.stringify(asked) === JSON.stringify(region)) return;
    region = asked;
    draw();
  }

  function draw() {
    const places = region ? placesIn(region, told) : [];
    const found = region
      ? matchesOf(told, region.side, places)
      : told.matched.slice(0, told.lines.length);
    const drawn = joinedPlaces(found, told);
    lines.innerHTML = drawn.lines.join("");
    numbers.replaceChildren(...drawn.numbers);
    const answer = region && answerTo(matrices, kind, region.side, places);
    const largest = kind === "likeness" ? 1 : Math.max(...(answer ?? [0]).map(Math.abs));
    pictures.forEach(({ frame, warm }, side) => {
      frame(framed(told, region, found, side));
      warm(region?.side === side ? null : answer, largest);
    });
    scale.replaceChildren(...scaleOf(kind, largest));
    scale.style.visibility = region ? "visible" : "hidden";
    readout.textContent = region
      ? answerInWords(told, matrices, region.side, places, found)
      : overview(told);
    again.disabled = !region;
  }

  draw();
  return h(
    "div",
    { class: "lfs-matches" },
    h(
      "div",
      { class: "lfs-match-stage" },
      ...pictures.map(({ element }) => element),
      h("div", { class: "lfs-match-lines", "aria-hidden": "true" }, lines, numbers),
    ),
    h(
      "div",
      { class: "lfs-match-names" },
      ...photographs.map(({ name }, side) =>
        h("div", {}, title(SIDES[side]), name === SIDES[side] ? null : name),
      ),
    ),
    readout,
    scale,
    h("div", { class: "lfs-controls" }, kinds, again),
    h("p", { class: "lfs-hint" }, HOW),
    list,
  );
}

/**
 * What is framed in a photograph: what is asked about, or what it is matched with.
 *
 * @type {(told: Told, region: Region | null, found: Match[], side: number) => Region[]}
 */
function framed(told, region, found, side) {
  if (!region) return [];
  if (region.side === side) return [region];
  return found.map((match) => {
    const cell = cellOf(match[side], told);
    return { side, from: cell, to: cell };
  });
}

/** @type {(told: Told, matrices: Matrices, side: number, places: number[], found: Match[]) => string} */
function answerInWords(told, matrices, side, places, { length }) {
  if (places.length === 1) return answerOf(told, matrices, side, places[0]);
  const names = told.places;
  const have = length > 1 ? `${length} have a match` : `${length || "none"} has a match`;
  const ends = `from ${names[places[0]]}, to ${names[places[places.length - 1]]}`;
  return `${places.length} places of the ${SIDES[side].toLowerCase()}, ${ends}: ${have}.`;
}

/** @type {(kind: Kind, largest: number) => HTMLElement[]} */
function scaleOf(kind, largest) {
  const ends = kind === "matches" ? ["against a match", "for a match"] : ["unlike", "alike"];
  return [
    h("div", {}),
    h("span", {}, `${withSign(-largest)} ${ends[0]}`),
    h("span", {}, "0"),
    h("span", {}, `${withSign(largest)} ${ends[1]}`),
  ];
}

// The matches that are drawn, in words; each asks about its place of the first photograph.
/** @param {Told} told @param {(match: Match) => void} choose */
function matchList(told, choose) {
  const items = told.lines.flatMap((drawnAs, k) => {
    const match = told.matched[k];
    if (!match) return [];
    const words = h("span", {}, matchInWords(told, match));
    const properties = { type: "button", onclick: () => choose(match) };
    return [h("li", {}, h("button", properties, badge(k, drawnAs), words))];
  });
  const properties = { class: "lfs-match-list", "aria-label": "Most confident matches" };
  const list = h("ol", { ...properties, hidden: !items.length }, ...items);
  moveWithArrows(list, "button");
  return list;
}
