/** A provider's own words, made fit for a client: short, one line, no markup, no keys. */

const LONGEST = 300;

/** Keys as providers write them, and anything that follows "Bearer". */
const SECRETS = /\b(?:sk|gsk|csk|pk|rk|hf|xai|pplx|nvapi|ghp|gho|github_pat|r8|tgp|fw|key)[-_][\w*.-]{8,}|\bAIza[\w-]{20,}|\bBearer\s+\S+/gi;

export function fit(text: string): string {
  const line = text.replaceAll(SECRETS, '[key]').replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
