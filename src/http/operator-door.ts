/** The door for the operator's own questions from the dashboard: the admin guard has let them in, and no key's limits apply. */
import { createAbort } from '../abort.ts';
import type { Door } from './door.ts';

export const operatorDoor: Pick<Door, 'identify' | 'allow' | 'admit'> = {
  identify: () => ({ key: 'admin', project: 'admin' }),
  allow: () => undefined,
  admit: () => createAbort().signal,
};
