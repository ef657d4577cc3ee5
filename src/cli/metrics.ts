/** Reads Prometheus' text format, as far as our own `/metrics` uses it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null) return [];
    const [, name = '', labels = '', value = ''] = match;
    return [{ name, labels: parseLabels(labels), value: Number(value) }];
  });
}

const parseLabels = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))]));

export const sumOf = (samples: readonly Sample[], name: string, where: Readonly<Record<string, string>> = {}): number =>
  samples.filter((sample) => sample.name === name && Object.entries(where).every(([label, value]) => sample.labels[label] === value)).reduce((sum, { value }) => sum + value, 0);
