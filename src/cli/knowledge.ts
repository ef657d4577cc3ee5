/** What a command can know: from the daemon when one answers, else from the files. */
import { runningDaemon, type AdminClient } from './admin-client.ts';
import type { Context } from './context.ts';
import { explainLocally, localProviders } from './local.ts';
import type { AccountStatus, Explanation, Prompt, ProviderStatus } from './shapes.ts';

export interface Knowledge {
  readonly explain: (question: Prompt) => Promise<Explanation>;
  readonly providers: () => Promise<readonly ProviderStatus[]>;
  /** Undefined without a daemon: nobody else knows what is left. */
  readonly accounts: () => Promise<readonly AccountStatus[] | undefined>;
}

export async function knowledgeOf(context: Context): Promise<Knowledge> {
  const client = await runningDaemon(context, 'this is what the files say, and what is left is not known');
  return client === undefined ? fromFiles(context) : fromDaemon(client);
}

const fromDaemon = (client: AdminClient): Knowledge => ({
  explain: (question) => client.ask('/admin/explain', 'Explanation', { method: 'POST', body: question }),
  providers: async () => (await client.askAll('/admin/providers', 'Providers')).providers,
  accounts: async () => (await client.askAll('/admin/accounts', 'Accounts')).accounts,
});

const fromFiles = (context: Context): Knowledge => ({
  explain: (question) => explainLocally(context, question),
  providers: () => localProviders(context),
  accounts: async () => undefined,
});
