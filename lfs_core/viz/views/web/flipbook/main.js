// Pixel flipping, step by step: the same pair, taken apart in the order of several methods' maps,
// and how the cosine answers. Its model holds everything in "contents".

/** @import { Place } from "../common/types.d.ts" */
/** @import { Contents } from "./types.d.ts" */

import { button, h } from "../common/elements.js";
import { decimals } from "../common/numbers.js";
import { eachPage, stillModel } from "../common/pages.js";
import { curves } from "./chart.js";
import { frames } from "./frames.js";

const PAUSE = 450; // ms between steps

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const [pictures, chart] = [frames(contents), curves(contents, model)];
  const player = stepper(contents, (k) => {
    pictures.show(k);
    chart.show(k);
  });
  const root = h(
    "div",
    { class: "lfs-view lfs-flipbook" },
    h("p", { class: "lfs-headline" }, ...sentence(contents)),
    player.element,
    pictures.element,
    chart.element,
  );
  el.append(root);
  return () => {
    player.stop();
    root.remove();
  };
}

/** @param {Contents} contents */
function sentence({ methods, similar }) {
  return [
    `Cosine ${decimals(methods[0].curve[0], 2)}: the network calls them `,
    h("strong", {}, similar ? "similar" : "dissimilar"),
    `. The most relevant superpixels of ${similar ? "the first image" : "both images"} are ` +
      "replaced, one after the other. The better a method has found what matters, the sooner " +
      `the cosine ${similar ? "falls" : "rises"}.`,
  ];
}

/**
 * Slider and play button. It opens with the outcome; playing starts from the beginning.
 *
 * @param {Contents} contents
 * @param {(step: number) => void} show
 */
function stepper({ flips, grid }, show) {
  const last = flips.length - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {number | undefined} */
  let timer;
  const output = h("output", {});
  const input = h("input", { type: "range", min: 0, max: last, step: 1 });
  const play = button("Play", () => (timer ? pause() : start()), { class: "lfs-play" });
  const step = () => Number(input.value);
  const label = h("label", {}, "Superpixels replaced", input, output);
  const element = h("div", { class: "lfs-controls" }, play, label);

  /** @param {number} k */
  function go(k) {
    input.value = String(k);
    output.textContent = `${flips[k]} of ${grid * grid}`;
    input.setAttribute("aria-valuetext", `${output.textContent} superpixels replaced`);
    show(k);
  }
  function pause() {
    clearInterval(timer);
    timer = undefined;
    play.textContent = calm.matches ? "Next step" : "Play";
  }
  function advance() {
    if (step() < last) go(step() + 1);
    if (step() === last) pause();
  }
  // Nothing moves by itself for readers who asked for less motion: they go step by step.
  function start() {
    if (step() === last) go(0);
    else if (calm.matches) advance();
    if (calm.matches) return;
    play.textContent = "Pause";
    timer = setInterval(() => (element.isConnected ? advance() : pause()), PAUSE);
  }

  input.addEventListener("input", () => {
    pause();
    go(step());
  });
  calm.addEventListener("change", pause);
  pause();
  go(last);
  return {
    element,
    stop() {
      pause();
      calm.removeEventListener("change", pause);
    },
  };
}

/** Shows the flip-books that wait in a page. */
export function showPages() {
  eachPage("flipbook", render, stillModel);
}

export default { render };
