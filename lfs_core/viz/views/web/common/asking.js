// Questions to Python, or to the table of answers that a page holds.

/** @import { Answer, Ask, Model, Question } from "./types.d.ts" */

import { h } from "./elements.js";

/**
 * @typedef {{ id: string, question: Question, done: (answer: Answer) => void }} Asked
 */

/**
 * Asks one question at a time: of several that are set quickly, Jupyter would send only the last.
 * What the reader waits for goes before pictures.
 *
 * @param {Model} model
 * @param {(open: boolean) => void} busy is told whether an answer is awaited
 * @returns {{ ask: Ask, askLater: Ask, stop: () => void }}
 */
export function asker(model, busy) {
  const own = `${Math.random()}`.slice(2);
  /** @type {Asked[]} */
  const urgent = [];
  /** @type {Asked[]} */
  const later = [];
  /** @type {Asked | null} */
  let open = null;
  let count = 0;
  const next = () => {
    open = urgent.shift() ?? later.shift() ?? null;
    busy(open !== null);
    if (!open) return;
    model.set("request", { id: open.id, ask: open.question });
    model.save_changes();
  };
  const receive = () => {
    const { id, answer } = model.get("response");
    if (!open || id !== open.id) return;
    open.done(answer);
    next();
  };
  model.on("change:response", receive);
  /** @type {(question: Question, queue: Asked[]) => Promise<Answer>} */
  const ask = (question, queue) =>
    new Promise((done) => {
      queue.push({ id: `${own}-${count++}`, question, done });
      if (!open) next();
    });
  return {
    ask: (...question) => ask(question, urgent),
    askLater: (...question) => ask(question, later),
    stop: () => model.off("change:response", receive),
  };
}

/**
 * A model without Python: it answers from the table in `contents.answers`.
 *
 * @param {Record<string, any>} contents
 * @returns {Model}
 */
export function tableModel(contents) {
  /** @type {Record<string, any>} */
  const values = { contents, request: {}, response: {} };
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const missing = { problem: "This page does not hold this. Live, in JupyterLab, it can be asked." };
  return {
    get: (key) => values[key],
    set: (key, value) => (values[key] = value),
    on: (event, listener) => event === "change:response" && listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    save_changes: () =>
      queueMicrotask(() => {
        const { id, ask } = values.request;
        values.response = { id, answer: contents.answers[ask.join()] ?? missing };
        listeners.forEach((listener) => listener());
      }),
  };
}

const WAITING = "Waiting for Python \u2026";
const GONE =
  "Python does not answer. If its kernel was restarted, run all cells (Run, Run All Cells); " +
  "what is shown stays.";

/**
 * Says when Python takes long to answer, or has gone.
 *
 * @param {Model} model
 * @param {boolean} live
 */
export function patience(model, live) {
  const note = h("p", { class: "lfs-waiting", role: "status", hidden: true });
  /** @type {number[]} */
  let timers = [];
  /** @param {string} text */
  const say = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };
  const gone = () => say(GONE);
  // Jupyter says so when the kernel is restarted, before anything is asked.
  if (live) model.on("comm_live_update", gone);
  const calm = () => timers.forEach((timer) => clearTimeout(timer));
  return {
    note,
    /** @param {boolean} open */
    busy(open) {
      calm();
      if (!open) say("");
      else if (live) timers = [setTimeout(say, 3000, WAITING), setTimeout(gone, 20000)];
    },
    stop() {
      calm();
      if (live) model.off("comm_live_update", gone);
    },
  };
}
