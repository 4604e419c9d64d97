// Which photographs are right answers.

/** @import { App, Hit } from "./types.d.ts" */

/**
 * The name of a photograph's class; a class of one has none.
 *
 * @param {App} app
 * @param {number} item
 */
export function className({ contents, names }, item) {
  const name = contents.classNames[contents.labels[item]];
  return name === undefined || name === names[item] ? "" : name;
}

/**
 * Whether it is known what is right.
 *
 * @param {App} app
 */
export const isMarked = ({ opened }) => opened !== null && opened.label !== null;

/**
 * @param {App} app
 * @param {number} item
 */
export const isRight = ({ contents, opened }, item) => contents.labels[item] === opened?.label;

/**
 * @param {App} app
 * @param {number} item
 */
export const verdict = (app, item) => (isRight(app, item) ? "\u2713 right" : "\u2717 other class");

/**
 * How likely a similarity is of one class; "" where that is not known.
 *
 * @param {App} app
 * @param {number} score in [-1,1]
 */
export function likeness({ contents: { same } }, score) {
  if (!same) return "";
  return `${(same[Math.round(((score + 1) / 2) * (same.length - 1))] / 10).toFixed(1)} %`;
}

/**
 * What the reader is told about a photograph that was retrieved.
 *
 * @param {App} app
 * @param {Hit} hit
 */
export function factsOfHit(app, [item, rank, score]) {
  const name = className(app, item);
  const facts = [`Rank ${rank}`, `similarity ${score.toFixed(3)}`];
  if (app.contents.same) facts.push(`of one class: ${likeness(app, score)}`);
  return name ? [...facts, `class ${name}`] : facts;
}
