/** A form is read where it has to be, and nothing of it is lost. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FailureError } from '../../src/failure.ts';
import { readForm, readOn } from '../../src/surfaces/form.ts';

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
        expect(bytes.toString('utf8', read.model?.start, read.model?.end)).toBe(lineEnds(model));
        expect(read.file?.bytes.equals(sound)).toBe(true);
        expect(read.read).toBe(bytes.length);
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

  test.each([
    ['two fields', `${field('one')}${field('two')}`],
    ['two fields, one without quotes', `${field('one')}--b\r\ncontent-disposition: form-data; name=model\r\n\r\ntwo\r\n`],
    ['must be a field', `--b\r\ncontent-disposition: form-data; name="model"; filename="x"\r\n\r\ntwo\r\n`],
  ])('that names the model otherwise than once is refused, because somebody else would read the other: %s', (why, parts) => {
    expect(() => readForm(Buffer.from(`${parts}--b--\r\n`), TYPE)).toThrow(new RegExp(why.split(',')[0] ?? ''));
  });
});

const TYPE = 'multipart/form-data; boundary=b';

async function* cut(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((one, other) => one - other);
  let from = 0;
  for (const end of ends) {
    if (end > from) yield bytes.subarray(from, end);
    from = end;
  }
}

/** Read from its beginning, then on, as it would come in pieces. */
async function inPieces(bytes: Buffer, beginning: number, places: readonly number[], type = TYPE): Promise<{ readonly form: ReturnType<typeof readForm>; readonly rest: readonly Buffer[] }> {
  const start = bytes.subarray(0, beginning);
  const form = readForm(start, type, bytes.length);
  const rest: Buffer[] = [];
  if (start.length < bytes.length) for await (const piece of readOn(start.subarray(form.read), cut(bytes.subarray(beginning), places), type)) rest.push(piece);
  return { form, rest };
}

describe('a form of which only the beginning is here', () => {
  test('is the same form, wherever it is cut', async () => {
    const sound = Buffer.from('\r\n--\r\n--bc\r\n-\r'.repeat(9));
    const bytes = Buffer.concat([Buffer.from(`${field('one')}--bb\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`.replaceAll('--b\r', '--bb\r')), sound, Buffer.from('\r\n--bb\r\ncontent-disposition: form-data; name="language"\r\n\r\n\r\n--bb--\r\nafterwards')]);
    const type = 'multipart/form-data; boundary=bb';
    const least = bytes.indexOf('one\r\n--bb') + 'one\r\n--bb'.length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: least, max: bytes.length }), fc.array(fc.nat(), { maxLength: 20 }), async (beginning, places) => {
        const { form, rest } = await inPieces(bytes, beginning, places, type);
        expect(form.model?.name).toBe('one');
        expect(Buffer.concat([bytes.subarray(0, form.read), ...rest]).toString('latin1')).toBe(bytes.toString('latin1'));
        if (form.file !== undefined) expect(bytes.subarray(bytes.indexOf('\r\n--\r\n--bc'), beginning).indexOf(form.file.bytes)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('is refused before anybody has seen a second model in what follows', async () => {
    const second = Buffer.from(`${field('one')}--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${'x'.repeat(50)}\r\n${field('two')}--b--\r\n`);
    const least = second.indexOf('one\r\n--b') + 'one\r\n--b'.length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: least, max: second.length - 1 }), fc.array(fc.nat(), { maxLength: 20 }), async (beginning, places) => {
        const seen: Buffer[] = [];
        const read = async (): Promise<void> => {
          const start = second.subarray(0, beginning);
          const form = readForm(start, TYPE, second.length);
          seen.push(second.subarray(0, form.read));
          for await (const piece of readOn(start.subarray(form.read), cut(second.subarray(beginning), places), TYPE)) seen.push(piece);
        };
        await expect(read()).rejects.toThrow(/two fields/);
        expect(Buffer.concat(seen).toString().split('name="model"').length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });

  test('ends where its end is missing, or its headers do not end', async () => {
    const open = `${field('one')}--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`;
    await expect(inPieces(Buffer.from(`${open}never closed`), open.length, [3])).rejects.toThrow(/cut short/);
    await expect(inPieces(Buffer.from(`${open}\r\n--b\r\n${'x'.repeat(20_000)}`), open.length, [3])).rejects.toThrow(/headers that do not end/);
  });
});
