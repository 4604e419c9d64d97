// Questions to Python, or to the table of answers that a page holds.

/** @import { Answer, Asker, Model } from "./types.d.ts" */

import { h } from "./elements.js";

const MISSING = { problem: "This page does not hold this. Live, in JupyterLab, it can be asked." };
const WAITING = "Waiting for Python \u2026";
const GONE =
  "Python does not answer. If its kernel was restarted, run all cells (Run, Run All Cells); " +
  "what is shown stays.";

/**
 * Asks, and says in a note when Python takes long to answer or has gone.
 *
 * @param {Model} model
 * @returns {Asker}
 */
export function asker(model) {
  if (model.asker) return model.asker;
  const { answers, live } = model.get("contents");
  const note = h("p", { class: "lfs-waiting", role: "status", hidden: true });
  if (!live) return { note, stop() {}, ask: async (...ask) => answers[ask.join()] ?? MISSING };
  const own = `${Math.random()}`; // several views of one model hear all answers
  /** @type {Map<string, (answer: Answer) => void>} */
  const open = new Map();
  /** @type {number[]} */
  let timers = [];
  let count = 0;
  /** @param {string} text */
  function say(text) {
    note.textContent = text;
    note.hidden = !text;
  }
  function calm() {
    timers.forEach(clearTimeout);
    if (!open.size) say("");
  }
  function wait() {
    calm();
    timers = open.size ? [setTimeout(say, 3000, WAITING), setTimeout(say, 20000, GONE)] : [];
  }
  /** @param {{ id: string, answer: Answer }} said */
  function receive({ id, answer }) {
    const done = open.get(id);
    if (!done) return;
    open.delete(id);
    wait();
    done(answer);
  }
  // Jupyter says so when the kernel is restarted, before anything is asked.
  const gone = () => say(GONE);
  model.on("msg:custom", receive);
  model.on("comm_live_update", gone);
  return {
    note,
    ask: (...ask) =>
      new Promise((done) => {
        const id = `${own}-${count++}`;
        open.set(id, done);
        wait();
        model.send?.({ id, ask });
      }),
    stop() {
      timers.forEach(clearTimeout);
      model.off("msg:custom", receive);
      model.off("comm_live_update", gone);
    },
  };
}

/**
 * What was asked for before is not asked for again, unless something was wrong.
 *
 * @template {{ problem?: string }} Found
 * @template {(string | number)[]} Asked
 * @param {(...asked: Asked) => Promise<Found>} ask
 * @returns {(...asked: Asked) => Promise<Found>}
 */
export function remembering(ask) {
  /** @type {Map<string, Promise<Found>>} */
  const known = new Map();
  return async (...asked) => {
    const key = asked.join();
    const answer = known.get(key) ?? ask(...asked);
    known.set(key, answer);
    if (known.size > 400) known.delete([...known.keys()][0]);
    const found = await answer;
    if (found.problem) known.delete(key);
    return found;
  };
}
