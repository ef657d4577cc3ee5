import type { SimulatedModel } from './types.ts';

const NO_PRICE = { prompt: '0', completion: '0' } as const;

function model(id: string, title: string, context: number, rest: Partial<SimulatedModel> = {}): SimulatedModel {
  return { id, title, owner: id.split('/')[0] ?? id, created: 1780000000, context, maxOutput: 32_768, tools: true, price: NO_PRICE, ...rest };
}

/**
 * Free models of November 2026 and a few paid ones, among them three whose price looks free and is not: one charged a
 * request, one that wears `:free`, and a router priced `-1` because its price is that of whatever it picks.
 */
export const openrouterModels: readonly SimulatedModel[] = [
  model('nvidia/nemotron-3-ultra-550b-a55b:free', 'NVIDIA: Nemotron 3 Ultra (free)', 1_000_000, { reasoning: true }),
  model('z-ai/glm-5.2:free', 'Z.AI: GLM 5.2 (free)', 256_000, { reasoning: true }),
  model('z-ai/glm-5.2', 'Z.AI: GLM 5.2', 256_000, { reasoning: true, price: { prompt: '0.0000006', completion: '0.0000022' } }),
  model('google/gemma-4-31b-it:free', 'Google: Gemma 4 31B (free)', 262_144, { images: true }),
  model('google/gemma-4-26b-a4b-it:free', 'Google: Gemma 4 26B A4B (free)', 262_144, { images: true }),
  model('nvidia/nemotron-3-super-120b-a12b:free', 'NVIDIA: Nemotron 3 Super (free)', 262_144, { reasoning: true }),
  model('nvidia/nemotron-3-nano-omni-30b-a3b-reasoning:free', 'NVIDIA: Nemotron 3 Nano Omni (free)', 256_000, { reasoning: true, images: true }),
  model('nvidia/nemotron-3.5-lightning:free', 'NVIDIA: Nemotron 3.5 Lightning (free)', 1_000_000),
  model('poolside/laguna-s-2.1:free', 'Poolside: Laguna S 2.1 (free)', 262_144),
  model('poolside/laguna-xs-2.1:free', 'Poolside: Laguna XS 2.1 (free)', 262_144),
  model('cohere/north-mini-code:free', 'Cohere: North Mini Code (free)', 256_000),
  model('nex-agi/nex-n2.5-pro:free', 'Nex AGI: Nex N2.5 Pro (free)', 262_144),
  model('nex-agi/nex-n2.5-mini:free', 'Nex AGI: Nex N2.5 Mini (free)', 262_144),
  model('liquid/lfm-2.5-2.6b:free', 'Liquid: LFM 2.5 2.6B (free)', 64_000, { tools: false }),
  model('inclusionai/ling-3.0-flash-fin:free', 'inclusionAI: Ling 3.0 Flash Fin (free)', 262_144),
  model('inclusionai/ling-3.0-flash-sante:free', 'inclusionAI: Ling 3.0 Flash Sante (free)', 262_144),
  model('inclusionai/ling-3.0-flash-vl:free', 'inclusionAI: Ling 3.0 Flash VL (free)', 262_144, { images: true }),
  model('thinkingmachines/inkling-small:free', 'Thinking Machines: Inkling Small (free)', 1_000_000),
  model('thinkingmachines/inkling:free', 'Thinking Machines: Inkling (free)', 1_000_000, { refusal: 'harness-only' }),
  model('dots-studio/dots-3-note-preview:free', 'Dots Studio: Dots 3 Note Preview (free)', 512_000),
  model('openrouter/free', 'Free Models Router', 200_000, { images: true }),
  model('openrouter/auto', 'Auto Router', 2_000_000, { price: { prompt: '-1', completion: '-1' } }),
  model('openai/gpt-4o', 'OpenAI: GPT-4o', 128_000, { images: true, price: { prompt: '0.0000025', completion: '0.00001' } }),
  model('anthropic/claude-3.5-sonnet', 'Anthropic: Claude 3.5 Sonnet', 200_000, { images: true, price: { prompt: '0.000003', completion: '0.000015' } }),
  model('deepseek/deepseek-v4-flash', 'DeepSeek: DeepSeek V4 Flash', 163_840, { reasoning: true, price: { prompt: '0.0000002', completion: '0.0000006' } }),
  model('perplexity/sonar-request', 'Perplexity: Sonar, by the request', 127_072, { tools: false, price: { ...NO_PRICE, request: '0.005' } }),
  model('example/costly:free', 'Example: priced all the same (free)', 32_768, { price: { prompt: '0.0000001', completion: '0.0000001' } }),
  model('nvidia/nemotron-embed-1b:free', 'NVIDIA: Nemotron Embed 1B (free)', 32_768, { tools: false, output: 'embeddings' }),
];
