/** How often each credential was handed out: counted at every use, written down every hour and at the end. */
import type { Account } from '../types.ts';
import type { RecordAct } from './audited-vault.ts';

export interface CredentialUses {
  readonly used: (account: Pick<Account, 'provider' | 'label'>) => void;
  /** Writes down what is counted, and begins anew. */
  readonly flush: () => Promise<void>;
}

export function createCredentialUses(record: RecordAct): CredentialUses {
  const counts = new Map<string, number>();
  return {
    used({ provider, label }) {
      const name = `${provider}/${label}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    async flush() {
      if (counts.size === 0) return;
      const uses = Object.fromEntries(counts);
      counts.clear();
      await record({ by: 'daemon', act: 'credentials used', uses });
    },
  };
}
