/** What Tab offers, as the shells ask for it. */
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { tollfree } from './context.ts';
import { bare, program } from './process.ts';

const environment = { TOLLFREE_DATA_DIR: '/nonexistent' };

async function offered(line: string): Promise<string[]> {
  const { status, out, words } = await tollfree(['complete', '--', ...line.split(' ')], { environment });
  expect({ status, words }).toEqual({ status: 0, words: '' });
  return out.split('\n').filter(Boolean).map((candidate) => candidate.split('\t')[0] ?? '');
}

describe('completion', () => {
  test.each([
    ['sta', ['status', 'stats']],
    ['vault r', ['rotate', 'rekey']],
    ['status --wa', ['--watch']],
    ['status --output ', ['table', 'json', 'csv']],
    ['status -o j', ['json']],
    ['accounts add gro', ['groq']],
    ['models --all --provider cereb', ['cerebras']],
    ['chat --model auto:code_', ['auto:code_generation']],
    ['completion f', ['fish']],
    ['logs --follow --level w', ['warn']],
    ['accounts add groq gro', []],
    ['complet', ['completion']],
  ])('tollfree %s', async (line, words) => {
    expect(await offered(line)).toEqual(words);
  });

  test.each(['bash', 'zsh', 'fish'])('the script for %s asks the program', async (shell) => {
    const { status, out } = await tollfree(['completion', shell]);
    expect(status).toBe(0);
    expect(out).toContain('tollfree complete -- ');
    expect(out).not.toContain('\\$');
  });

  test('bash gets what follows the last colon, where it breaks words', () => {
    const script = `tollfree() { '${process.execPath}' '${program}' "$@"; }
eval "$(tollfree completion bash)"
for COMP_LINE in 'tollfree chat --model auto:code_' 'tollfree vault r'; do
  COMP_POINT=\${#COMP_LINE}; _tollfree; echo "\${COMPREPLY[@]}"
done`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { env: { ...bare, ...environment }, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'code_generation\nrotate rekey\n', stderr: '' });
  });
});
