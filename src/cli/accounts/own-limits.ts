/** `--limit rpm=30` and what it stands for. */
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { rateLimit, toLimits } from '../../config/limits.ts';
import type { Limits, Provider } from '../../types.ts';

const names = {
  rpm: 'requests_per_minute',
  rph: 'requests_per_hour',
  rpd: 'requests_per_day',
  tpm: 'tokens_per_minute',
  tph: 'tokens_per_hour',
  tpd: 'tokens_per_day',
  ash: 'audio_seconds_per_hour',
  asd: 'audio_seconds_per_day',
  concurrent: 'concurrent',
} as const;

export type WrittenLimits = Readonly<Record<string, number>>;

const isShort = (name: string): name is keyof typeof names => Object.hasOwn(names, name);

/** A parser for a repeatable `--limit NAME=NUMBER`. */
export function collectLimit(written: string, before: WrittenLimits = {}): WrittenLimits {
  const [, name = '', number] = /^(\w+)=(\d{1,12})$/.exec(written) ?? [];
  const full = isShort(name) ? names[name] : name;
  if (number === undefined || Number(number) < 1 || !rateLimit.safeParse({ [full]: Number(number) }).success) {
    throw new InvalidArgumentError(`must be like rpm=30; there are ${Object.keys(names).join(', ')} and the names of config/providers.yaml`);
  }
  return { ...before, [full]: Number(number) };
}

/** The operator's numbers, counted the way the provider counts: refilling, rolling or by its own midnight. */
export function ownLimits(written: z.input<typeof rateLimit>, provider: Provider): Limits {
  const known = [...provider.limits.windows, ...provider.models.flatMap(({ limits }) => limits.windows)];
  const { windows, ...rest } = toLimits(rateLimit.parse(written), {});
  return {
    ...rest,
    windows: windows.map((window) => {
      const like = known.find(({ unit, seconds }) => unit === window.unit && seconds === window.seconds);
      return like === undefined ? window : { ...like, limit: window.limit };
    }),
  };
}
