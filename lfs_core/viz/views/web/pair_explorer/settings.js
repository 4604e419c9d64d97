// How the pair is explained, and how maps are drawn.

/** @import { App } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";
import { chooser, layering, slider } from "../common/controls.js";
import { h } from "../common/elements.js";
import { isDecoded } from "./questions.js";

const LINEAR = "With a linear decoder p changes how high the maps go, not how they look.";
const COLOUR_NAMES = { inferno: "inferno", viridis: "viridis", cividis: "cividis", gray: "grey" };

/**
 * The method, and what ExplainLFS alone has: a decoder and p.
 *
 * @param {App} app
 */
function methodChoice({ contents, choice, update }) {
  const { networks, pPlaces, ps, titles } = contents;
  /** @param {string[]} names */
  const titled = (names) => Object.fromEntries(names.map((name) => [name, titles[name]]));
  const methods = h("span", { class: "lfs-group" });
  const decoded = h("span", { class: "lfs-group" });
  const hint = h("p", { class: "lfs-hint" }, LINEAR);
  const showHint = () => {
    hint.hidden = !isDecoded(choice) || !networks[choice.network].decoders[choice.decoder];
  };
  /** @param {Partial<App["choice"]>} changes */
  function change(changes) {
    Object.assign(choice, changes);
    decoded.hidden = !isDecoded(choice);
    showHint();
    update();
  }
  /** Shows those of the network. */
  function show() {
    const { methods: names, decoders } = networks[choice.network];
    if (!names.includes(choice.method)) choice.method = names[0];
    if (!(choice.decoder in decoders)) choice.decoder = Object.keys(decoders)[0] ?? "";
    methods.replaceChildren(
      chooser("Method", titled(names), choice.method, (method) => change({ method, latent: null })),
    );
    decoded.replaceChildren(
      chooser("Decoder", titled(Object.keys(decoders)), choice.decoder, (decoder) =>
        change({ decoder }),
      ),
      slider(
        "p",
        pPlaces.indexOf(choice.p),
        (at) => change({ p: pPlaces[at] }),
        pPlaces.map((at) => ps[at]),
      ),
    );
    decoded.hidden = !isDecoded(choice);
    showHint();
  }
  show();
  return { elements: [methods, decoded], hint, show };
}

/**
 * How maps are drawn; Python is not asked.
 *
 * @param {App} app
 * @param {() => void} redraw
 */
function drawing({ contents, how }, redraw) {
  const names = { opacity: "Opacity of the maps", apart: "Maps beside the photographs" };
  const { over, apart } = layering(how, redraw, names);
  const above = slider("Show what is above \u03be\u2082", how.threshold, (value) => {
    how.threshold = value;
    redraw();
  });
  const colours = chooser("Colours", COLOUR_NAMES, "inferno", (name) => {
    how.colours = bytes(contents.colours[name]);
    redraw();
  });
  return [above, colours, apart, over];
}

/**
 * @param {App} app
 * @param {() => void} redraw
 */
export function settings(app, redraw) {
  const { contents, choice, update } = app;
  const { networks, thresholds, live } = contents;
  const methods = methodChoice(app);
  const network = chooser(
    "Network",
    Object.fromEntries(networks.map(({ name }, k) => [k, name])),
    choice.network,
    (chosen) => {
      Object.assign(choice, { network: Number(chosen), parts: [null, null], latent: null });
      methods.show();
      update();
    },
  );
  /** @param {number} threshold */
  const changeThreshold = (threshold) => {
    choice.threshold = threshold;
    update();
  };
  return h(
    "div",
    { class: "lfs-controls" },
    networks.length > 1 ? network : null,
    ...methods.elements,
    live ? slider("\u03be\u2081", choice.threshold, changeThreshold, thresholds) : null,
    ...drawing(app, redraw),
    methods.hint,
  );
}
