const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30,
};

/** Milliseconds in `250ms`, `30s`, `1.5m`, `1h` or `2d`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parse(text, MS_PER);
}

/** Bytes in `512KiB`, `32MiB` or `10MB`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  return parse(text, BYTES_PER);
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}
