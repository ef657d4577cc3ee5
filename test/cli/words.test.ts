import { describe, expect, test } from '@jest/globals';
import { array, assert, integer, property, string } from 'fast-check';
import { createFlow } from '../../src/cli/flow.ts';
import { parseMetrics, sumOf } from '../../src/cli/metrics.ts';
import { count, duration, plural, roughly, span, usd } from '../../src/cli/numbers.ts';
import { widthOf } from '../../src/cli/text.ts';

describe('numbers', () => {
  test.each([
    [0, '0 ms'], [850, '850 ms'], [1000, '1 s'], [31_001, '32 s'], [90_000, '1 min 30 s'], [3_600_000, '1 h'], [7_380_000, '2 h 3 min'], [90_000_000, '1 d 1 h'], [-5, '0 ms'],
  ])('%d ms is %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

  test('sizes, windows and money', () => {
    expect([count(1234), roughly(9999), roughly(131_072), roughly(1_500_000)]).toEqual(['1,234', '9,999', '131k', '1.5M']);
    expect([span(60), span(86_400), span(7200)]).toEqual(['min', 'day', '2 h']);
    expect([usd(0), usd(0.000031), usd(1.5), usd(0.0000004)]).toEqual(['$0', '$0.000031', '$1.50', '<$0.000001']);
    expect([plural(1, 'rule'), plural(2, 'rule')]).toEqual(['1 rule', '2 rules']);
  });
});

describe('metrics', () => {
  const samples = parseMetrics('# HELP a text\n# TYPE a counter\na{provider="groq",outcome="ok"} 3\na{provider="groq",outcome="rate \\"x\\""} 2\nb 1.5e-3\na{provider="other",outcome="ok"} 1 1700000000\n');

  test('are summed by name and labels', () => {
    expect(sumOf(samples, 'a')).toBe(6);
    expect(sumOf(samples, 'a', { provider: 'groq' })).toBe(5);
    expect(sumOf(samples, 'b')).toBe(0.0015);
    expect(samples[1]?.labels['outcome']).toBe('rate "x"');
  });
});

function flowed(pieces: readonly string[], width: number): string {
  const flow = createFlow({ indent: '    ', width });
  return pieces.map((piece) => flow.push(piece)).join('') + flow.end();
}

describe('flowing text', () => {
  test('breaks between words, and indents every line', () => {
    expect(flowed(['one two', ' three\nfour'], 16)).toBe('    one two\n    three\n    four');
  });

  test('scripts without spaces break anywhere', () => {
    for (const line of flowed(['漢字'.repeat(20)], 20).split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(20);
  });

  test('loses nothing, wherever the pieces end', () => {
    assert(
      property(array(string()), integer({ min: 20, max: 60 }), (pieces, width) => {
        expect(flowed(pieces, width)).toBe(flowed([pieces.join('')], width));
        expect(flowed(pieces, width).replaceAll(/\s/g, '')).toBe(pieces.join('').replaceAll(/\s/g, ''));
      }),
    );
  });
});
