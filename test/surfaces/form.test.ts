/** A form is read where it has to be, and nothing of it is lost. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FailureError } from '../../src/failure.ts';
import { readForm } from '../../src/surfaces/form.ts';

async function encoded(form: FormData): Promise<{ readonly bytes: Buffer; readonly type: string }> {
  const request = new Request('http://x', { method: 'POST', body: form });
  return { bytes: Buffer.from(await request.arrayBuffer()), type: request.headers.get('content-type') ?? '' };
}

/** The platform's own encoder makes every line end CR LF. */
const lineEnds = (words: string): string => words.replaceAll(/\r\n|\r|\n/g, '\r\n');
const field = (name: string): string => `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n${name}\r\n`;

describe('a form', () => {
  test('written by the platform is read back, whatever its file holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme', minLength: 1 }), fc.string(), async (sound, model, prompt) => {
        const form = new FormData();
        form.set('file', new Blob([sound]), 'a.wav');
        form.set('prompt', prompt);
        form.set('model', model);
        const { bytes, type } = await encoded(form);
        const read = readForm(bytes, type);
        expect(read.fields['prompt']).toBe(lineEnds(prompt));
        expect(read.fields).not.toHaveProperty('file');
        expect(read.model?.name).toBe(lineEnds(model).trim());
        expect(Buffer.concat([read.model?.before ?? Buffer.of(), Buffer.from(lineEnds(model)), read.model?.after ?? Buffer.of()]).equals(bytes)).toBe(true);
      }),
    );
  });

  test('of any bytes is a form or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('--b', '\r\n', '--', 'content-disposition: form-data; name="model"', '\r\n\r\n', 'x') , maxLength: 30 }), (words) => {
        try {
          readForm(Buffer.from(words), 'multipart/form-data; boundary=b');
        } catch (error) {
          expect(error).toBeInstanceOf(FailureError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('with two names for the model is refused: one of them would be read by somebody else', () => {
    expect(() => readForm(Buffer.from(`${field('one')}${field('two')}--b--\r\n`), 'multipart/form-data; boundary=b')).toThrow(/two fields/);
  });
});
