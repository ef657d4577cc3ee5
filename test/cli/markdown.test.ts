import { describe, expect, test } from '@jest/globals';
import { array, assert, oneof, property, string, stringMatching } from 'fast-check';
import type { Paint } from '../../src/cli/context.ts';
import { createFlow } from '../../src/cli/flow.ts';
import { createMarkdown } from '../../src/cli/markdown.ts';

const tagged: Paint = (format, text) => `<${[format].flat().join('+')}>${text}</>`;
const plain: Paint = (_, text) => text;

function render(pieces: readonly string[], paint: Paint = tagged): string {
  const markdown = createMarkdown(paint);
  return pieces.map((piece) => markdown.push(piece)).join('') + markdown.end();
}

describe('Markdown', () => {
  test('headings, bullets, bold, code', () => {
    expect(render(['# Title\nSome **bold** and `code`.\n- one\n  * two\n'])).toBe('<bold+cyan>Title</>\nSome <bold>bold</> and <cyan>code</>.\n• one\n  • two\n');
  });

  test('emphasis, links, quotes and rules; a product and a list in brackets stay what they are', () => {
    expect(render(['*so* it ***is***, 2*3*4 * 5'])).toBe('<italic>so</> it <bold+italic>is</>, 2*3*4 * 5');
    expect(render(['see [the page](https://a.example/b) and a[0], [x] too'])).toBe('see <underline>the page</> <dim>(https://a.example/b)</> and a[0], [x] too');
    expect(render(['> said\n---\nend'])).toBe(`<dim>│ </>said\n<dim>${'─'.repeat(24)}</>\nend`);
    expect(render(['1. one\n2. two'])).toBe('1. one\n2. two');
  });

  test('prose moves to the next line by words, code keeps its lines', () => {
    const markdown = createMarkdown(plain, createFlow({ indent: '', width: 12 }));
    const text = 'one two **three** four\n```\na very long line of code\n```\nfive six seven';
    expect(Array.from(text, (character) => markdown.push(character)).join('') + markdown.end()).toBe('one two\nthree four\n```\na very long line of code\n```\nfive six\nseven');
  });

  test('a fence keeps what is inside as it is', () => {
    expect(render(['```python\n# no heading\na ** b\n```\nafter'])).toBe('<dim>```python</>\n<cyan># no heading</>\n<cyan>a ** b</>\n<dim>```</>\nafter');
  });

  test('where the pieces end changes nothing, and no word is lost', () => {
    const text = oneof(string(), stringMatching(/^[#*`\-\n a-c]{0,20}$/), stringMatching(/^[[\]()>*_\-\n a-c]{0,20}$/));
    assert(
      property(array(text, { maxLength: 8 }), (pieces) => {
        const whole = pieces.join('');
        expect(render(pieces, plain)).toBe(render([whole], plain));
        expect(render(pieces, plain).replaceAll(/[^a-c]/g, '')).toBe(whole.replaceAll(/[^a-c]/g, ''));
      }),
      { numRuns: 500 },
    );
  });

  test('words are shown as they come, not at the end of the line', () => {
    const markdown = createMarkdown(plain);
    expect(markdown.push('Hello')).toBe('Hello');
    expect(markdown.push(' wor')).toBe(' wor');
  });
});
