// How the pair is explained, and how maps are drawn.

/** @import { App, Choice } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";
import { chooser, layering, slider } from "../common/controls.js";
import { h } from "../common/elements.js";
import { isDecoded } from "./questions.js";

const LINEAR = "With a linear decoder p changes how high the maps go, not how they look.";
const COLOUR_NAMES = { inferno: "inferno", viridis: "viridis", cividis: "cividis", gray: "grey" };

/**
 * @param {App} app
 * @param {() => void} redraw
 */
export function settings(app, redraw) {
  const { contents, choice, how } = app;
  const { networks, pPlaces, ps, thresholds, titles, live } = contents;
  /** @param {string[]} names */
  const titled = (names) => Object.fromEntries(names.map((name) => [name, titles[name]]));
  const methods = h("span", { class: "lfs-group" });
  const decoded = h("span", { class: "lfs-group" }); // what ExplainLFS alone has
  const hint = h("p", { class: "lfs-hint" }, LINEAR);

  /** @param {Partial<Choice>} changes */
  function change(changes) {
    Object.assign(choice, changes);
    decoded.hidden = !isDecoded(choice);
    hint.hidden = decoded.hidden || !networks[choice.network].decoders[choice.decoder];
    app.update();
  }
  /** Offers what the network has. */
  function offer() {
    const { methods: names, decoders } = networks[choice.network];
    const kinds = Object.keys(decoders);
    const method = names.includes(choice.method) ? choice.method : names[0];
    const decoder = choice.decoder in decoders ? choice.decoder : (kinds[0] ?? "");
    methods.replaceChildren(
      chooser("Method", titled(names), method, (chosen) => change({ method: chosen, latent: null })),
    );
    decoded.replaceChildren(
      chooser("Decoder", titled(kinds), decoder, (chosen) => change({ decoder: chosen })),
      slider(
        "p",
        pPlaces.indexOf(choice.p),
        (at) => change({ p: pPlaces[at] }),
        pPlaces.map((at) => ps[at]),
      ),
      hint,
    );
    change({ method, decoder });
  }
  offer();

  const names = networks.map(({ name }, k) => [k, name]);
  const network = chooser("Network", Object.fromEntries(names), choice.network, (chosen) => {
    Object.assign(choice, { network: Number(chosen), parts: [null, null], latent: null });
    offer();
  });
  const colours = chooser("Colours", COLOUR_NAMES, "inferno", (name) => {
    how.colours = bytes(contents.colours[name]);
    redraw();
  });
  return h(
    "div",
    { class: "lfs-controls" },
    networks.length > 1 ? network : null,
    methods,
    decoded,
    live
      ? slider("\u03be\u2081", choice.threshold, (threshold) => change({ threshold }), thresholds)
      : null,
    ...layering(how, redraw),
    colours,
  );
}
