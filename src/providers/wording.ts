/** A provider's own words, made fit for a client: short, one line, no markup, no keys. */

const LONGEST = 300;

/** Keys as providers write them, also half hidden, and anything that follows "Bearer". */
const SECRETS = /\b(?:sk-|gsk_|csk-|hf_|xai-|pplx-|nvapi-|gh[pousr]_|github_pat_|r8_|tgp_|AIza)[\w*.-]{4,}|\bBearer\s+\S+/g;

export function fit(text: string): string {
  const line = text.replaceAll(SECRETS, '[key]').replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
