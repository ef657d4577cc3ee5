/** How many tokens a text is, where nobody says. */

/**
 * Estimated, not rounded, so that pieces add up: about four Latin letters a token, one to a Chinese or Japanese character.
 * UTF-8 length tells scripts apart without looking at a character: Latin takes one byte each, CJK three.
 */
export function weighText(text: string): number {
  const { length } = text;
  return length / 4 + (Buffer.byteLength(text) - length) * 0.375;
}

/** The same for a text that is whole. */
export const estimateText = (text: string): number => Math.ceil(weighText(text));
