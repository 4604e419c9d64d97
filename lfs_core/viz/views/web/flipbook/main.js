// Pixel flipping, step by step: pairs, taken apart in the order of several methods' maps, and how
// the cosine answers. Its model holds everything in "contents".

/** @import { Place } from "../common/types.d.ts" */
/** @import { Contents, Pair } from "./types.d.ts" */

import { checkbox } from "../common/controls.js";
import { button, h } from "../common/elements.js";
import { pairButtons, sentence } from "../common/pairs.js";
import { curves } from "./chart.js";
import { frames } from "./frames.js";

const PAUSE = 450; // ms between steps

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const contents = model.get("contents");
  const { names, pairs } = contents;
  const [pictures, chart] = [frames(contents), curves(model, contents)];
  const headline = h("p", { class: "lfs-headline", role: "status" });
  let which = names.map((_, m) => m).slice(0, contents.shown);
  let [pair, step] = [0, contents.flips.length - 1];

  /** @param {number} k */
  function choosePair(k) {
    pair = k;
    headline.replaceChildren(...words(pairs[k]));
    show();
  }
  function show() {
    pictures.show(pair, which, step);
    chart.show(pairs[pair], which, step);
  }
  const player = stepper(contents, (k) => {
    step = k;
    show();
  });
  const boxes = names.map((name, m) =>
    checkbox(name, which.includes(m), (on) => {
      which = names.map((_, k) => k).filter((k) => (k === m ? on : which.includes(k)));
      show();
    }),
  );
  const methods = h("fieldset", { class: "lfs-controls" }, h("legend", {}, "Methods"), ...boxes);
  const root = h(
    "div",
    { class: "lfs-view lfs-flipbook" },
    pairs.length > 1 ? pairButtons(pairs, choosePair) : null,
    headline,
    names.length > 1 ? methods : null,
    player.element,
    pictures.element,
    chart.element,
  );
  el.append(root);
  choosePair(0);
  return () => {
    player.stop();
    root.remove();
  };
}

/** @param {Pair} pair */
function words(pair) {
  const { similar } = pair;
  return [
    ...sentence("the network", pair),
    ` The most relevant superpixels of ${similar ? "the first image" : "both images"} are ` +
      "replaced, one after the other. The better a method has found what matters, the sooner " +
      `the cosine ${similar ? "falls" : "rises"}.`,
  ];
}

// Slider and play button. It opens with the outcome; playing starts from the beginning.
/** @param {Contents} contents @param {(step: number) => void} show */
function stepper({ flips, grid }, show) {
  const last = flips.length - 1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {number | undefined} */
  let timer;
  const output = h("output");
  const input = h("input", { type: "range", min: 0, max: last, step: 1, value: last });
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

export default { render };
