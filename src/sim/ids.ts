import { createHash } from 'node:crypto';

/** Thirty-two hexadecimal digits, the same for the same seed and number. */
export const digestOf = (seed: number | string, number: number | string): string => createHash('sha256').update(`${seed}:${number}`).digest('hex').slice(0, 32);

/** `xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx` from such digits. */
export const uuidOf = (id: string): string => `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-a${id.slice(17, 20)}-${id.slice(20, 32)}`;

/** A Go duration as Groq writes it: `172ms`, `7.66s`, `2m59.56s`, `1h46m33.599s`. Takes milliseconds. */
export function goDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms - 1e-6));
  if (whole < 1000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

export const seconds = (ms: number): number => Math.ceil(ms / 1000 - 1e-6);
