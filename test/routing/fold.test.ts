/** Every character of Unicode, folded by itself. */
import { expect, test } from '@jest/globals';
import { fold } from '../../src/routing/fold.ts';

/** Those that decompose or have a case: the others fold to themselves or to nothing. */
function changing(): string[] {
  const characters: string[] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    const character = String.fromCodePoint(code);
    // Korean syllables come by arithmetic: one block of them stands for all.
    if ((code < 0xac00 + 28 || code > 0xd7a3) && (character.normalize('NFKD') !== character || character.toLowerCase() !== character)) characters.push(character);
  }
  return characters;
}

test('what a character folds to folds to itself', () => {
  const again = changing().flatMap(fold).filter(({ code, kind, extends: extending }) => {
    const [first, ...rest] = fold(String.fromCodePoint(code));
    return code !== 0 && (rest.length > 0 || first?.code !== code || first.kind !== kind || first.extends !== extending);
  });
  expect(again).toEqual([]);
});
