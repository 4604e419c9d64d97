// Networks that run in the page: the reader's photographs are explained without Python, and without
// being sent anywhere.

/** @import { Model, Place } from "../common/types.d.ts" */
/** @import { App, Taking } from "../pair_explorer/types.d.ts" */
/** @import { Contents, Offer, Sessions } from "./types.d.ts" */

import { alarm, button, h } from "../common/elements.js";
import { pairExplorer } from "../pair_explorer/explorer.js";
import { loadAll, needed, sizeOf } from "./assets.js";
import { camera } from "./camera.js";
import { cutting } from "./cutting.js";
import { engine } from "./engine.js";
import { hasGpu, startSessions } from "./sessions.js";

const STAY =
  "Your photographs stay in this page: they are sent nowhere. What is loaded is the network, from " +
  "this book's own files, and only when you ask for it.";
const SMALL = 4; // GB, of memory; below, a telephone may end the page

/** @type {(bytes: number) => string} */
const wholeMegabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

/** @param {Place} place */
function render({ model, el }) {
  /** @type {Contents} */
  const { folder, offers, missing } = model.get("contents");
  const root = h("div", { class: "lfs-view lfs-try-it" });
  el.append(root);
  if (missing) {
    root.append(h("p", { role: "note" }, missing));
    return () => root.remove();
  }
  const alert = alarm();
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Loaded of the network" });
  const status = h("p", { role: "status", class: "lfs-hint" });
  const loading = h("div", { class: "lfs-try-loading", hidden: true }, status, progress);
  const place = h("div");
  const gpu = h("input", { type: "checkbox", onchange: sayHowMuch });
  const processor = h(
    "label",
    { class: "lfs-hint", hidden: true },
    gpu,
    " Use the graphics processor (WebGPU)",
  );
  hasGpu().then((has) => (processor.hidden = !has));
  const buttons = offers.map((offer) => button("", () => begin(offer)));
  const choice = h("div", { class: "lfs-bar", role: "group", "aria-label": "Network" }, ...buttons);
  /** @type {() => void} */
  let close = () => {};

  function sayHowMuch() {
    offers.forEach(({ title, own }, k) => {
      const size = wholeMegabytes(sizeOf(needed(own.assets, gpu.checked)));
      buttons[k].textContent = `${title} (${size})`;
    });
  }
  sayHowMuch();

  /** @param {Offer} offer */
  async function begin(offer) {
    buttons.forEach((one) => (one.disabled = true));
    alert.textContent = "";
    close();
    try {
      close = await shown(offer, folder, place, tell, gpu.checked);
    } catch (error) {
      const why = whyNot(gpu.checked);
      alert.textContent = `The network could not be started: ${/** @type {Error} */ (error).message}${why}`;
    }
    loading.hidden = true;
    buttons.forEach((one) => (one.disabled = false));
  }

  /** @type {(words: string, share: number | null) => void} */
  function tell(words, share) {
    loading.hidden = false;
    status.textContent = words;
    if (share === null) progress.removeAttribute("value");
    else progress.value = share;
  }

  root.append(h("p", {}, STAY), choice, processor, loading, alert, place);
  const leave = () => close();
  window.addEventListener("pagehide", leave); // its memory with it
  return () => {
    window.removeEventListener("pagehide", leave);
    leave();
    root.remove();
  };
}

/** @type {(onGpu: boolean) => string} what may be the matter where a network cannot be started */
function whyNot(onGpu) {
  const memory = (/** @type {any} */ (navigator).deviceMemory ?? SMALL) < SMALL;
  if (memory) return " This device has little memory, and may not have enough.";
  return onGpu ? " Try it without the graphics processor." : "";
}

/**
 * Loads a network and shows its explorer.
 *
 * @param {Offer} offer
 * @param {string} folder
 * @param {HTMLElement} el
 * @param {(words: string, share: number | null) => void} tell
 * @param {boolean} onGpu
 * @returns {Promise<() => void>} what ends it
 */
async function shown(offer, folder, el, tell, onGpu) {
  const assets = needed(offer.own.assets, onGpu);
  const all = sizeOf(assets);
  let come = 0;
  const found = await loadAll(assets, folder, (bytes) => {
    come += bytes;
    tell(`Loaded ${wholeMegabytes(come)} of ${wholeMegabytes(all)} \u2026`, come / all);
  });
  tell("Setting the network up \u2026", null);
  const sessions = await startSessions(found, onGpu);
  const end = explorerOf(offer, sessions, el);
  return () => {
    end();
    sessions.close();
    el.replaceChildren();
  };
}

/** @type {(offer: Offer, sessions: Sessions, el: HTMLElement) => () => void} */
function explorerOf(offer, sessions, el) {
  const note = h("p", { class: "lfs-waiting", role: "status" });
  const { ask, hurry } = engine(offer, sessions, (words) => (note.textContent = words));
  /** @type {Model} */
  const model = {
    get: () => offer,
    on() {},
    off() {},
    asker: { ask, note, stop() {} },
    hurry,
  };
  /** @type {(event: ClipboardEvent) => void} */
  let paste = () => {};
  /** @type {(app: App, taking: Taking) => HTMLElement} */
  const more = (app, taking) => {
    paste = ({ clipboardData }) => {
      const files = [...(clipboardData?.files ?? [])];
      if (files.length) taking.takeIn(files);
    };
    const rounded = h("p", { class: "lfs-hint" }, offer.rounded);
    return h("div", { class: "lfs-try-more" }, camera(taking), cutting(app, taking), rounded);
  };
  const end = pairExplorer({ model, el }, more);
  document.addEventListener("paste", paste);
  return () => {
    document.removeEventListener("paste", paste);
    end();
  };
}

export default { render };
