// Numbers as they are read, with a true minus.

/**
 * @param {number} value
 * @param {number} count
 */
export const decimals = (value, count) => value.toFixed(count).replace("-", "\u2212");

/**
 * Three digits, however small the value is; not for negative ones.
 *
 * @param {number} value
 */
export const digits = (value) =>
  value < 0.001 ? value.toExponential(1).replace("-", "\u2212") : value.toPrecision(3);

/**
 * A signed value with its sign and three digits, however small it is.
 *
 * @param {number} value
 */
export function withSign(value) {
  const text = Math.abs(value) < 0.001 ? value.toExponential(2) : value.toPrecision(3);
  return (value > 0 ? "+" : "") + (value ? text.replaceAll("-", "\u2212") : "0");
}
