// Questions to Python, or to the table of answers that a page holds.

/** @import { Answer, Asker, Model, Question } from "./types.d.ts" */

import { h } from "./elements.js";

const MISSING = { problem: "This page does not hold this. Live, in JupyterLab, it can be asked." };
const WAITING = "Waiting for Python \u2026";
const GONE =
  "Python does not answer. If its kernel was restarted, run all cells (Run, Run All Cells); " +
  "what is shown stays.";

/**
 * Asks Python, whose answer comes with what else it sends.
 *
 * @param {Model} model
 * @param {Question} ask
 * @returns {Promise<Answer>}
 */
export function request(model, ask) {
  const id = `${Math.random()}`; // several views of one model hear all answers
  return new Promise((done) => {
    /** @type {(said: { id: string, answer: Answer }, buffers: DataView[]) => void} */
    function receive(said, buffers) {
      if (said.id !== id) return;
      model.off("msg:custom", receive);
      done({ ...said.answer, buffers });
    }
    model.on("msg:custom", receive);
    model.send?.({ id, ask });
  });
}

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
  /** @type {number[]} */
  let timers = [];
  let open = 0;
  /** @param {string} text */
  function say(text) {
    note.textContent = text;
    note.hidden = !text;
  }
  /** @param {number} more questions, or fewer, that wait for an answer */
  function wait(more) {
    open += more;
    timers.forEach(clearTimeout);
    timers = open ? [setTimeout(say, 3000, WAITING), setTimeout(say, 20000, GONE)] : [];
    if (!open) say("");
  }
  // Jupyter says so when the kernel is restarted, before anything is asked.
  const gone = () => say(GONE);
  model.on("comm_live_update", gone);
  return {
    note,
    async ask(...ask) {
      wait(1);
      const answer = await request(model, ask);
      wait(-1);
      return answer;
    },
    stop() {
      timers.forEach(clearTimeout);
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
