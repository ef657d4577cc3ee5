import { ConfigError } from '../../src/config/problems.ts';

/** The lines a person is told, or none where the file is right. Anything thrown but a ConfigError passes through. */
export function told(load: () => unknown): string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}
