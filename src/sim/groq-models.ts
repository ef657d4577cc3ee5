import type { SimulatedModel } from './types.ts';

const ordinary = { context: 131_072, tools: true, reasoning: true } as const;

/** The free models of November 2026, and two that left. */
export const groqModels: readonly SimulatedModel[] = [
  { ...ordinary, id: 'openai/gpt-oss-120b', title: 'GPT OSS 120B', owner: 'OpenAI', created: 1754408224, maxOutput: 65_536 },
  { ...ordinary, id: 'openai/gpt-oss-20b', title: 'GPT OSS 20B', owner: 'OpenAI', created: 1754407957, maxOutput: 65_536 },
  { ...ordinary, id: 'openai/gpt-oss-safeguard-20b', title: 'GPT OSS Safeguard 20B', owner: 'OpenAI', created: 1761708789, maxOutput: 65_536 },
  { ...ordinary, id: 'qwen/qwen3.8-27b', title: 'Qwen/Qwen3.8-27B', owner: 'Alibaba Cloud', created: 1786984846, maxOutput: 16_384, images: true },
  { id: 'whisper-large-v3', title: 'Whisper', owner: 'OpenAI', created: 1693721698, context: 448, maxOutput: 448, output: 'transcription' },
  { id: 'whisper-large-v3-turbo', title: 'Whisper Large V3 Turbo', owner: 'OpenAI', created: 1728413088, context: 448, maxOutput: 448, output: 'transcription' },
  { id: 'canopylabs/orpheus-v1-english', title: 'Orpheus V1 English', owner: 'Canopy Labs', created: 1766186316, context: 4_000, maxOutput: 50_000, output: 'speech' },
  { ...ordinary, id: 'llama-3.3-70b-versatile', title: 'Llama 3.3 70B', owner: 'Meta', created: 1733447754, maxOutput: 32_768, refusal: 'unknown-model' },
  { ...ordinary, id: 'mixtral-8x7b-32768', title: 'Mixtral 8x7B', owner: 'Mistral AI', created: 1693721698, maxOutput: 32_768, refusal: 'decommissioned' },
];
