/** The shipped catalogue, and a model for embeddings that the simulators have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MODELS = '  openrouter:\n';

export function withEmbeddings(): string {
  const shipped = readFileSync(join(import.meta.dirname, '../../config/providers.yaml'), 'utf8');
  const start = shipped.indexOf('    models:\n', shipped.indexOf(MODELS)) + '    models:\n'.length;
  return `${shipped.slice(0, start)}      - { name: "nvidia/nemotron-embed-1b:free", context: 32768, capabilities: [embeddings], price: { input: 0, output: 0 } }\n${shipped.slice(start)}`;
}
